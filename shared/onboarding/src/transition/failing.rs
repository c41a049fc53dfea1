//! What fails for good, and the partner's word that leads on.

use time::OffsetDateTime;

use super::advance;
use crate::problem::{FailureCode, Problem};
use crate::record::Onboarding;
use crate::status::Status;
use crate::step::Step;

pub(super) fn failed_at(onboarding: &Onboarding, step: Step) -> bool {
    onboarding.problem.as_ref().is_some_and(|problem| problem.step == step)
}

/// Whether the client account may be another one: what failed may be its fault, and it has no channel yet.
pub(super) fn client_is_open(onboarding: &Onboarding) -> bool {
    let refused = failed_at(onboarding, Step::ClientAccount) || failed_at(onboarding, Step::NumberSubmission);
    refused && onboarding.channel_id.is_none()
}

pub(super) fn fail(after: &mut Onboarding, problem: &Problem) {
    // The new key of a rotation is the only one by then, and is still to be proven.
    let from = if after.key_rotation.take().is_some() { Status::Live } else { after.status };
    advance(after, Status::Failed);
    after.problem = Some(problem.clone());
    after.failed_from = Some(from);
    // The Hub has said that it did not take the number.
    if let Some(submission) = after.submission.as_mut().filter(|_| problem.step == Step::NumberSubmission) {
        submission.unclear = None;
    }
}

pub(super) fn retry_requested(after: &mut Onboarding, replace_key: bool, at: OffsetDateTime) -> Option<()> {
    if after.status != Status::Failed || after.number_lost_to.is_some() {
        return None;
    }
    let back_to = after.failed_from?;
    let failed_for = |code: FailureCode| after.problem.as_ref().is_some_and(|problem| problem.code == code.as_str());
    if failed_for(FailureCode::KeyRefused) {
        after.key = None;
        after.keys_void_before = Some(at);
    }
    if failed_for(FailureCode::ChannelHasKey) {
        if !replace_key {
            return None;
        }
        after.may_have_key = false;
    }
    advance(after, back_to);
    Some(())
}
