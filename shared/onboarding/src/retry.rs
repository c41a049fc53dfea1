//! When to try a step again: from 5 seconds to 15 minutes apart, for as long as it takes.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::step::Step;

/// How a step that has not succeeded yet has been going.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The step.
    pub step: Step,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    #[serde(with = "time::serde::rfc3339")]
    pub next_at: OffsetDateTime,
    /// A sentence for the operator: what went wrong last.
    pub error: String,
    /// An answer that fails the step if it comes again, minutes later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// An answer of another system that the step will not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What the step fails for: a [`FailureCode`](super::FailureCode).
    pub code: String,
    /// When it came first.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// How far apart two such answers are at least.
pub const REFUSALS_APART: Duration = Duration::minutes(2);

impl Retry {
    /// Whether this answer came before, so long before `now` that it is no accident of a moment.
    pub fn was_refused(&self, code: &str, now: OffsetDateTime) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.code == code && refused.at + REFUSALS_APART <= now)
    }
}

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::minutes(15);
/// The first wait, doubled with each try.
const FIRST_WAIT: Duration = Duration::seconds(5);

/// How long to wait before the try that follows `tries` failed ones. `jitter` in `0.0..1.0` spreads callers over the
/// second half of the wait.
pub fn backoff(tries: u32, jitter: f64) -> Duration {
    let wait = FIRST_WAIT.checked_mul(1 << tries.min(16)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
    wait / 2 + (wait / 2) * jitter.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_waits_grow_from_five_seconds_to_fifteen_minutes() {
        assert_eq!(backoff(0, 1.0), Duration::seconds(5));
        assert_eq!(backoff(1, 1.0), Duration::seconds(10));
        assert_eq!(backoff(7, 1.0), Duration::seconds(640));
        assert_eq!(backoff(8, 1.0), Duration::minutes(15));
        assert_eq!(backoff(u32::MAX, 1.0), Duration::minutes(15));
    }

    proptest! {
        #[test]
        fn a_retry_wait_is_at_least_half_its_base_and_at_most_fifteen_minutes(tries: u32, jitter in 0.0..1.0f64) {
            let wait = backoff(tries, jitter);
            prop_assert!(wait >= backoff(tries, 0.0) && wait <= Duration::minutes(15));
            prop_assert!(wait >= Duration::milliseconds(2500));
        }
    }
}
