//! A time of day that a test sets.

use std::sync::{Arc, Mutex};

use exchange::Clock;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// A time of day that a test sets.
#[derive(Clone)]
pub(crate) struct Time(Arc<Mutex<OffsetDateTime>>);

impl Time {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(datetime!(2026-11-02 09:00 UTC))))
    }

    pub(crate) fn pass(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }
}
