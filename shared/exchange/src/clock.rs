//! The time of day, which tests can set.

use std::sync::Arc;

use time::OffsetDateTime;

/// Tells the time. Cheap to clone; clones of a set clock tell the same time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::from_fn(OffsetDateTime::now_utc)
    }

    /// A clock that tells whatever `now` returns.
    pub fn from_fn(now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time in UTC, to the millisecond: what the table keeps, no finer.
    pub fn now(&self) -> OffsetDateTime {
        let now = (self.0)();
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
