//! The page in a real browser, against a local stack: what a person sees, and what the record holds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod ended;
mod finish;
mod full_page;
mod links;
mod looks;
mod permission;
mod progress;
mod refused;
mod signals;
mod states;
mod support;
mod unfinished;
