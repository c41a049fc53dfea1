//! Queue, vault, secrets, settings, logs, HTTP and batches, against servers on this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod auth;
mod aws;
mod body;
mod bundle;
mod cache;
mod config;
mod outbound;
#[cfg(feature = "memory")]
mod queue_twin;
mod request;
mod source;
mod sqs;
mod telemetry;
mod vault;
mod worker;

use std::sync::{Arc, Mutex};

use shared::clock::Clock;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// A time of day that a test sets.
#[derive(Clone)]
struct Time(Arc<Mutex<OffsetDateTime>>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(datetime!(2026-11-02 09:00 UTC))))
    }

    fn pass(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }

    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }
}
