//! Whether a message that comes for an onboarding is the one that is waited for.
//!
//! Several come: one for each webhook, one for each of two workers. Only one of them waits, in the line for the Hub or for
//! the next try, or else the others would take turns that they do not need, and try more often than the back-off allows.

use std::cmp::Ordering;

use time::{Duration, OffsetDateTime};

use super::hub_work::{QUEUE_GRACE, step_of};
use crate::hub::limit::Priority;
use crate::onboarding::{Onboarding, Status, Step};
use crate::queue::Worker;
use crate::store::{Awaited, Lease};

/// How far the clocks of two workers may be apart.
const CLOCKS: Duration = Duration::SECOND;

/// How urgent a worker's calls are.
pub(super) const fn priority_of(worker: Worker) -> Priority {
    match worker {
        Worker::ClientAccount => Priority::ClientAccount,
        Worker::NumberSubmission => Priority::NumberSubmission,
        Worker::KeyCreation => Priority::KeyCreation,
    }
}

/// How a message comes.
pub(super) enum Arrival {
    /// There may be something to do.
    Timely,
    /// Another message is on its way that does the same, or more.
    Surplus,
    /// The step was tried a short while ago, by another worker, and has to wait.
    Early { until: OffsetDateTime },
}

/// How a message for `worker` comes to an onboarding at `now`.
pub(super) fn arrival(worker: Worker, lease: &Lease, onboarding: &Onboarding, now: OffsetDateTime) -> Arrival {
    let soon = now + CLOCKS;
    let priority = priority_of(worker);
    let surplus = |awaited: &Awaited| match awaited.priority.cmp(&priority) {
        Ordering::Less => now < awaited.at + QUEUE_GRACE,
        Ordering::Equal => soon < awaited.at,
        Ordering::Greater => false,
    };
    if lease.awaited().is_some_and(surplus) {
        return Arrival::Surplus;
    }
    let does =
        |step: Step| step == step_of(worker) || (worker, step) == (Worker::NumberSubmission, Step::ClientAccount);
    match &onboarding.retry {
        // Whether permission may be asked for again, its step says.
        Some(retry) if does(retry.step) && soon < retry.next_at && onboarding.status != Status::PermissionRequired => {
            Arrival::Early { until: retry.next_at }
        }
        _ => Arrival::Timely,
    }
}
