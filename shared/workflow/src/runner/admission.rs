//! Decides whether a message runs its step, duplicates another message, or comes too early.
//!
//! An onboarding can have several messages at once: one for each webhook, one for each of two workers. Only one of them
//! waits for a permit to call the Hub, or for the next retry. Otherwise the others would take permits that they do not
//! need, and would retry more often than the backoff allows.

use std::cmp::Ordering;

use onboarding::{Onboarding, QUEUE_GRACE, Status, Step};
use store::{Awaited, Lease};
use time::{Duration, OffsetDateTime};

/// How far the clocks of two workers may be apart.
const CLOCKS: Duration = Duration::SECOND;

/// What to do with a message.
pub(crate) enum Admission {
    /// Run the step: there may be something to do.
    Run,
    /// Another message is on its way that does the same, or more.
    Duplicate,
    /// The step was tried a short while ago, by another worker, and has to wait.
    TooEarly { until: OffsetDateTime },
}

/// Decides what to do with a message for `step` that arrives at `now`.
pub(crate) fn admission(step: Step, lease: &Lease, onboarding: &Onboarding, now: OffsetDateTime) -> Admission {
    let soon = now + CLOCKS;
    let priority = step.priority();
    let duplicate = |awaited: &Awaited| match awaited.priority.cmp(&priority) {
        Ordering::Less => now < awaited.at + QUEUE_GRACE,
        Ordering::Equal => soon < awaited.at,
        Ordering::Greater => false,
    };
    if lease.awaited().is_some_and(duplicate) {
        return Admission::Duplicate;
    }
    let does = |other: Step| other == step || (step, other) == (Step::NumberSubmission, Step::ClientAccount);
    match &onboarding.retry {
        // Whether permission may be asked for again, its step says.
        Some(retry) if does(retry.step) && soon < retry.next_at && onboarding.status != Status::PermissionRequired => {
            Admission::TooEarly { until: retry.next_at }
        }
        _ => Admission::Run,
    }
}
