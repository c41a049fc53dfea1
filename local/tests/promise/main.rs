//! The promise, under everything that can go wrong: a customer who finishes the popup ends up with a working API key,
//! exactly one, nothing is left over, and the partner was told of every step.
//!
//! All functions with the real SDK on an embedded DynamoDB and the simulator. Every call that leaves a function passes
//! [`support::fault_injection`], where it can fail, in every way that the place knows, or end the process that makes it. Time is
//! simulated.
//!
//! Each run takes a part of the cases, drawn by a seed ([`support::sample`]); `PROMISE=all` runs all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![recursion_limit = "256"]

mod bursts;
mod calls;
mod deletion;
mod harness;
mod journeys;
mod late_index;
mod late_redemption;
mod support;

use local::timeline;
