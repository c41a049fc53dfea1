//! How far the submission of the number is.

use time::OffsetDateTime;

use super::advance;
use crate::event::Event;
use crate::record::Onboarding;
use crate::status::Status;
use crate::submission::{Submission, UnclearSubmission};

pub(super) fn submitted(after: &mut Onboarding) {
    if let Some(submission) = &mut after.submission {
        submission.unclear = None;
    }
    advance(after, Status::Submitted);
}

pub(super) fn submission(after: &mut Onboarding, event: &Event, at: OffsetDateTime) {
    let known = after.submission.get_or_insert(Submission { first_asked_at: at, unclear: None });
    match (event, &mut known.unclear) {
        (Event::SubmissionAsked, unclear) => {
            *unclear = Some(UnclearSubmission { asked_at: at, conflict: false, looks: 0 });
        }
        (Event::SubmissionConflict, Some(unclear)) => unclear.conflict = true,
        (Event::SubmissionUnseen, Some(unclear)) => unclear.looks = unclear.looks.saturating_add(1),
        (_, unclear) => *unclear = None,
    }
}
