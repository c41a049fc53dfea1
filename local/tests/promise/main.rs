//! The promise, under everything that can go wrong: a customer who finishes the popup ends up with a working API key,
//! exactly one, and nothing is left over.
//!
//! All functions with the real SDK on an embedded DynamoDB and the simulator. Every call that leaves a function crosses
//! a border ([`outside`]) at which it can fail, in every way that the place knows, or end the process that makes it. Time
//! is simulated.
//!
//! Each run takes a part of the cases, drawn by a seed ([`sample`]); `PROMISE=all` runs all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bursts;
mod cases;
mod delivery;
mod fakes;
mod harness;
mod journey;
mod journeys;
mod outside;
mod people;
mod promise;
mod sample;
mod table;
mod twins;
mod world;

use local::timeline;
