//! What is personal is taken out of a record that is at rest. Ids stay: the platforms know them, and the history stays readable.

use time::{Duration, OffsetDateTime};

use crate::event::Event;
use crate::link;
use crate::record::Onboarding;
use crate::status::Status;

/// A cancelled onboarding whose number was submitted, and of which 360dialog has shown no channel for this long, is given up.
const NEVER_SHOWN: Duration = Duration::days(3);

impl Onboarding {
    /// Whether what is personal may be erased at `now`: it is at rest. A cancelled one of which 360dialog never showed the channel
    /// is, too, after three days; else its number would never be free.
    pub fn may_be_erased(&self, now: OffsetDateTime) -> bool {
        let is_given_up =
            self.status == Status::Cancelled && self.channel_id.is_none() && now - self.status_since >= NEVER_SHOWN;
        self.has_ended() || is_given_up
    }
}

/// Whether an event still means something after the erasure: its keys are deleted, and its number may be another's.
pub(super) const fn may_follow(event: &Event) -> bool {
    matches!(
        event,
        Event::Erased { .. }
            | Event::NumberLost { .. }
            | Event::KeyStored { .. }
            | Event::KeyDeletionDue
            | Event::KeysDeleted
            | Event::StepDelayed { .. }
            | Event::StepFailed { .. }
    )
}

/// Takes what is personal out. The setup link is void from then on.
pub(super) fn erase(after: &mut Onboarding, at: OffsetDateTime) {
    after.erased_at = after.erased_at.or(Some(at));
    link::revoke(after, at);
    after.former_links.clear();
    after.client = after.client.without_person();
    after.prefill.clear();
    (after.expected_phone_number, after.expected_business_id) = (None, None);
    after.metadata.clear();
    after.message_webhook = None;
    (after.return_url, after.success_url, after.renew_url, after.locale) = (None, None, None, None);
    after.confirmation = None;
    after.failed_from = after.failed_from.map(|from| if from == Status::Confirming { Status::Started } else { from });
    after.signup = after.signup.as_ref().map(crate::Signup::without_person);
    after.numbers = after.numbers.iter().map(crate::OfferedNumber::without_person).collect();
    after.attempts.clear();
    (after.retry, after.key_rotation) = (None, None);
    after.problem = after.problem.as_ref().map(crate::Problem::without_person);
    match &mut after.channel_end {
        Some(end) if end.ended_at.is_some() => end.error = None,
        end => *end = None,
    }
}
