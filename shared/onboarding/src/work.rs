//! What is to be done next for an onboarding, and how urgent it is.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use time::{Duration, OffsetDateTime};

use super::record::Onboarding;
use super::signup::SignupSource;
use super::status::Status;
use super::step::Step;

/// How urgent work is: the partition of the index `by_due`. The order of those that take a permit is the order of urgency.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Class {
    /// Needs no call to the Hub, so it waits for no permit.
    Free,
    /// The token without which no other call is made, where the Hub's credentials are a user name and a password.
    Token,
    /// A key to be made: the customer is almost done.
    Key,
    /// A number to be submitted, or the client account that it needs.
    Submission,
    /// Whatever may finish somebody: a channel that is waited for, a webhook that does not say whose channel it is.
    LookUp,
    /// A client account to be found or created before its customer has signed up.
    ClientAccount,
    /// The daily sweep of all channels and client accounts, and what is imported.
    Sweep,
    /// An event to be told. It waits for no permit.
    Delivery,
    /// An event that waits until the partner's webhook answers again.
    Held,
    /// Not the dispatcher's: reconciliation looks at it.
    Reconciliation,
}

impl Class {
    /// The classes that take a permit, the most urgent first.
    pub const WITH_PERMIT: [Self; 6] =
        [Self::Token, Self::Key, Self::Submission, Self::LookUp, Self::ClientAccount, Self::Sweep];

    /// Whether its work is a call to the Hub.
    pub fn takes_permit(self) -> bool {
        Self::WITH_PERMIT.contains(&self)
    }

    /// The word used in the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// How urgent it is.
    pub class: Class,
    /// The step whose queue takes it; `None` where no message is sent for it.
    pub step: Option<Step>,
    /// When. Never later than now if nothing stands in its way.
    pub due_at: OffsetDateTime,
}

/// How long a worker has its work to itself once it has redeemed the permit: longer than any function runs that does (60
/// seconds in the template).
pub const HOLD: Duration = Duration::seconds(65);

/// How long Meta is asked whose signup it is. Then the customer has to sign up again: it takes one more click.
pub const CONFIRMED_WITHIN: Duration = Duration::days(6);

/// When the Hub is asked for a channel after its number was submitted: so long after it, then every [`LOOK_UP_EVERY`], and once
/// that is overdue every [`LOOK_UP_OVERDUE`].
const LOOK_UPS: [Duration; 5] =
    [Duration::minutes(4), Duration::minutes(8), Duration::minutes(15), Duration::minutes(30), Duration::minutes(60)];
const LOOK_UP_EVERY: Duration = Duration::hours(3);
const LOOK_UP_OVERDUE: Duration = Duration::hours(12);

impl Onboarding {
    /// What is to be done next; `None` if nothing is.
    pub fn work(&self) -> Option<Work> {
        if self.status.is_at_rest() {
            let works = [self.rotation_work(), self.look_up_work(), self.channel_end_work(), self.key_deletion_work()];
            return works.into_iter().flatten().min_by_key(|work| work.due_at);
        }
        let work = |class, step: Step| Work { class, step: Some(step), due_at: self.due_for(step) };
        Some(match self.status {
            Status::Live if self.key.is_some() => work(Class::Free, Step::KeyCreation),
            Status::Live | Status::PermissionRequired => work(self.key_class(), Step::KeyCreation),
            Status::SignedUp => work(Class::Submission, Step::NumberSubmission),
            Status::Submitted => Work {
                class: Class::LookUp,
                step: Some(Step::NumberSubmission),
                due_at: self.next_look_up(self.work_since),
            },
            _ if self.client_id().is_none() => work(Class::ClientAccount, Step::ClientAccount),
            _ => {
                let given_up_at =
                    self.confirmation.as_ref().map(|confirmation| confirmation.exchanged_at + CONFIRMED_WITHIN);
                Work { class: Class::Reconciliation, step: None, due_at: given_up_at.unwrap_or(self.link_expires_at) }
            }
        })
    }

    /// How urgent its first key is: nobody waits at the page for that of a channel that was imported.
    fn key_class(&self) -> Class {
        let is_imported = self.signup.as_ref().is_some_and(|signup| signup.source == SignupSource::Import);
        if is_imported { Class::Sweep } else { Class::Key }
    }

    /// A new key in place of the present one.
    fn rotation_work(&self) -> Option<Work> {
        let rotation = self.key_rotation.as_ref()?;
        let class = if rotation.key_stored { Class::Free } else { Class::Key };
        Some(Work { class, step: Some(Step::KeyCreation), due_at: self.due_since(rotation.since, Step::KeyCreation) })
    }

    /// Whether the Hub is to be asked now whether the channel has ended.
    pub fn look_up_is_due(&self, now: OffsetDateTime) -> bool {
        self.look_up_work().is_some_and(|work| work.due_at <= now)
    }

    /// A channel that may have ended.
    fn look_up_work(&self) -> Option<Work> {
        let asked_at = self.look_up_asked_at.filter(|_| self.status == Status::Ready)?;
        let due_at = self.look_up_next_at.unwrap_or(asked_at);
        Some(Work { class: Class::LookUp, step: Some(Step::NumberSubmission), due_at })
    }

    /// A channel that is to end, or to stay.
    fn channel_end_work(&self) -> Option<Work> {
        let due_at = self.open_channel_end()?.next_at;
        Some(Work { class: Class::LookUp, step: Some(Step::NumberSubmission), due_at })
    }

    /// Keys that nobody can use any more. Reconciliation knows how long they are kept.
    fn key_deletion_work(&self) -> Option<Work> {
        let idle_since = self.keys_idle_since()?;
        Some(match self.key_deletion_due_at {
            None => Work { class: Class::Reconciliation, step: None, due_at: idle_since },
            Some(since) => {
                let due_at = self.due_since(since, Step::KeyCreation);
                Work { class: Class::Free, step: Some(Step::KeyCreation), due_at }
            }
        })
    }

    /// When the Hub is to be asked next for the channel of the number that was submitted, if it is asked at `now`.
    pub fn next_look_up(&self, now: OffsetDateTime) -> OffsetDateTime {
        let early = LOOK_UPS.into_iter().map(|after| self.work_since + after).find(|at| *at > now);
        let later = if self.overdue_since.is_some() { LOOK_UP_OVERDUE } else { LOOK_UP_EVERY };
        early.unwrap_or(now + later)
    }

    /// At once, unless the step was tried and has to wait.
    fn due_for(&self, step: Step) -> OffsetDateTime {
        self.due_since(self.work_since, step)
    }

    /// Since `since`, unless the step was tried and has to wait.
    fn due_since(&self, since: OffsetDateTime, step: Step) -> OffsetDateTime {
        // The number's step finds the client account first.
        let its = |retry: &&super::Retry| {
            retry.step == step || (step, retry.step) == (Step::NumberSubmission, Step::ClientAccount)
        };
        self.retry.as_ref().filter(its).map_or(since, |retry| retry.next_at)
    }

    /// Whether what was to be done still is, so that a message that was sent for it still stands.
    pub fn has_same_work(&self, after: &Self) -> bool {
        let is_same = match (self.status, after.status) {
            // The search for the client account goes on, however the signup goes.
            (Status::Started | Status::Confirming, Status::Started | Status::Confirming)
                if self.client_id().is_none() =>
            {
                true
            }
            (before, after_it) => before == after_it && self.confirmation == after.confirmation,
        };
        is_same
            && self.client == after.client
            && self.retry == after.retry
            && self.channel_id == after.channel_id
            && self.key == after.key
            && self.look_up_asked_at == after.look_up_asked_at
            && self.look_up_next_at == after.look_up_next_at
            && self.link_expires_at == after.link_expires_at
            && self.channel_end == after.channel_end
            && self.key_rotation == after.key_rotation
            && self.key_deletion_due_at == after.key_deletion_due_at
            && self.key_deleted_at == after.key_deleted_at
            && self.erased_at == after.erased_at
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::properties::{any_event, at, started};
    use crate::transition;

    /// Nobody would ever send for a step that is never next.
    #[test]
    fn every_step_with_a_queue_is_next_on_some_journey() {
        let mut runner = TestRunner::deterministic();
        let mut next = BTreeSet::new();
        for _ in 0..500 {
            let events = vec(any_event(), 1..40).new_tree(&mut runner).unwrap().current();
            let mut onboarding = started();
            for (second, event) in (1..).zip(&events) {
                if let Ok(Some(changed)) = transition(&onboarding, event, at(second)) {
                    onboarding = changed;
                }
                next.extend(onboarding.work().and_then(|work| work.step));
            }
        }
        assert_eq!(next, Step::queued().collect());
    }
}
