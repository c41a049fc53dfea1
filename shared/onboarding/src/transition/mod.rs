//! The one function that decides what an event does. Pure: no I/O, no clock.
//!
//! Events come repeated, late and out of order. None moves an onboarding back, and a status at rest is left only by the
//! partner's word (a retry, a new link, a cancel), by news of the channel, or by proof that what failed has happened after all.

mod channel;
mod erasing;
mod failing;
mod signing_up;
mod submitting;

use time::OffsetDateTime;

use crate::channel_end::{self, ChannelEnd, Wanted};
use crate::client_account::ClientAccount;
use crate::event::Event;
use crate::key::KeyRotation;
use crate::link;
use crate::record::Onboarding;
use crate::retry::{Refusal, Retry};
use crate::signup::{Confirmation, OfferedNumber, Signup};
use crate::status::Status;
use crate::step::Step;

use channel::{cancel, channel_found, go_live, is_news};
use failing::{client_is_open, fail, failed_at, retry_requested};
pub use signing_up::MAX_POPUP_ATTEMPTS;
use signing_up::{keep_attempt, move_on, same_number, search_client, sign_up};
use submitting::{submission, submitted};

/// An event that makes no sense in this status: a mistake of ours, or of whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event} does not apply to an onboarding that is {}", .status.as_str())]
pub struct IllegalTransition {
    /// Where the onboarding stands.
    pub status: Status,
    /// [`Event::name`].
    pub event: &'static str,
}

/// What an event at time `at` does to an onboarding: `Ok(Some(_))` is the record after it, `Ok(None)` means that it changes nothing.
///
/// # Errors
/// [`IllegalTransition`] if the event does not fit the status.
#[expect(clippy::too_many_lines, reason = "one table, an arm for each event")]
pub fn transition(
    before: &Onboarding,
    event: &Event,
    at: OffsetDateTime,
) -> Result<Option<Onboarding>, IllegalTransition> {
    // A clock that goes back must not make the record go back: what the history says happened then.
    let at = at.max(before.updated_at);
    let illegal = || IllegalTransition { status: before.status, event: event.name() };
    if before.erased_at.is_some() && !erasing::may_follow(event) {
        return Err(illegal());
    }
    let mut after = before.clone();
    match event {
        Event::Started => {}
        Event::LinkOpened => after.opened_at = before.opened_at.or(Some(at)),
        Event::LinkRenewed { token_sha256, expires_at } => {
            if before.status.is_final() {
                return Err(illegal());
            }
            if before.setup_token_sha256 != *token_sha256 {
                link::renew(&mut after, token_sha256, *expires_at, at);
            }
            if before.status == Status::Expired {
                let chooses = !before.numbers.is_empty();
                advance(&mut after, if chooses { Status::NumberChoice } else { Status::Started });
            }
        }
        Event::LinkRevoked => link::revoke(&mut after, at),
        Event::ClientSearched { search } => search_client(&mut after, *search),
        Event::ClientFound { client_id, .. } => match &before.client {
            ClientAccount::Known { id, .. } if id == client_id => {}
            ClientAccount::Known { .. } => return Err(illegal()),
            ClientAccount::Wanted { details, .. } => {
                after.client = ClientAccount::Known { id: client_id.clone(), details: Some(details.clone()) };
                forget_retry_of(&mut after, Step::ClientAccount);
            }
        },
        Event::PopupLeft { attempt } => keep_attempt(&mut after, attempt),
        Event::CodeExchanged { code_sha256 } => {
            if !before.takes_signup() || before.link_revoked_at.is_some() {
                return Err(illegal());
            }
            if before.confirmation.as_ref().is_none_or(|confirmation| confirmation.code_sha256 != *code_sha256) {
                move_on(&mut after, Status::Confirming);
                after.confirmation = Some(Confirmation { code_sha256: code_sha256.clone(), exchanged_at: at });
            }
        }
        Event::ProofFailed { code_sha256, attempt } => {
            keep_attempt(&mut after, attempt);
            if before.confirmation.as_ref().is_some_and(|confirmation| confirmation.code_sha256 == *code_sha256) {
                move_on(&mut after, Status::Started);
            }
        }
        Event::SignupProven { signup } => match before.signup_status() {
            Status::Started | Status::Confirming if signup.waba_id.is_some() && signup.number.is_some() => {
                sign_up(&mut after, signup.clone());
            }
            Status::Started | Status::Confirming => return Err(illegal()),
            _ if same_number(before, signup) => {}
            _ => return Err(illegal()),
        },
        Event::NumbersFound { signup, numbers } => match before.signup_status() {
            Status::Started | Status::Confirming => {
                move_on(&mut after, Status::NumberChoice);
                after.signup = Some(Signup { number: None, ..signup.clone() });
                after.numbers.clone_from(numbers);
            }
            Status::NumberChoice if before.numbers == *numbers => {}
            _ => return Err(illegal()),
        },
        Event::NumberChosen { phone_number_id } => {
            let chosen = |offered: &&OfferedNumber| offered.number.id == *phone_number_id;
            match (before.signup_status(), &before.signup) {
                (Status::NumberChoice, Some(signup)) => {
                    let offered = before.numbers.iter().find(chosen).ok_or_else(illegal)?.clone();
                    let OfferedNumber { number, waba_id, waba_name } = offered;
                    let (waba_id, number) = (Some(waba_id), Some(number));
                    sign_up(&mut after, Signup { waba_id, waba_name, number, ..signup.clone() });
                }
                (_, Some(Signup { number: Some(number), .. })) if number.id == *phone_number_id => {}
                _ => return Err(illegal()),
            }
        }
        Event::NumberAccepted => match before.status {
            Status::SignedUp => submitted(&mut after),
            Status::Failed if failed_at(before, Step::NumberSubmission) => submitted(&mut after),
            _ if has_number(before) => {}
            _ => return Err(illegal()),
        },
        Event::SubmissionAsked | Event::SubmissionConflict | Event::SubmissionUnseen | Event::SubmissionNotTaken => {
            match before.status {
                Status::SignedUp => submission(&mut after, event, at),
                // Called off meanwhile: whether it has a channel is still found out.
                Status::Cancelled if before.open_channel_end().is_some() && before.channel_id.is_none() => {
                    submission(&mut after, event, at);
                    if *event == Event::SubmissionNotTaken {
                        after.channel_end = None;
                    }
                }
                _ => {}
            }
        }
        Event::ChannelLive { channel_id, made_at } => match before.status {
            _ if !has_number(before) => return Err(illegal()),
            _ if before.number_lost_to.is_some() => {}
            Status::Cancelled if before.has_made(*made_at) => channel_found(&mut after, channel_id, at),
            Status::SignedUp | Status::Submitted => go_live(&mut after, channel_id, *made_at),
            Status::Failed if failed_at(before, Step::NumberSubmission) => go_live(&mut after, channel_id, *made_at),
            Status::Live | Status::PermissionRequired | Status::Ready if is_news(before, channel_id) => {
                go_live(&mut after, channel_id, *made_at);
            }
            Status::Failed if failed_at(before, Step::KeyCreation) && is_news(before, channel_id) => {
                go_live(&mut after, channel_id, *made_at);
            }
            _ => {}
        },
        Event::Imported { signup, channel_id, made_at, replace_key } => match before.status {
            Status::Started if before.client_id().is_some() && signup.waba_id.is_some() && signup.number.is_some() => {
                after.signup = Some(signup.clone());
                go_live(&mut after, channel_id, *made_at);
                after.may_have_key &= !replace_key;
            }
            _ if same_number(before, signup) && before.channel_id.as_ref() == Some(channel_id) => {}
            _ => return Err(illegal()),
        },
        Event::ChannelEnded { channel_id } => {
            if before.channel_id.as_ref() == Some(channel_id) {
                if before.status == Status::Live && before.key.is_none() {
                    // Its key was being made: the worker may have stored the key and died before it recorded it.
                    after.keys_void_before = Some(at);
                }
                channel_end::change(&mut after, |end| end.ended_at = Some(at));
                if before.status != Status::Cancelled {
                    advance(&mut after, Status::Disconnected);
                }
                (after.look_up_asked_at, after.look_up_next_at) = (None, None);
                after.key_rotation = None;
            }
        }
        Event::LookUpAsked { .. } => {
            if before.status == Status::Ready && before.look_up_asked_at.is_none() {
                after.look_up_asked_at = Some(at);
            }
            if before.status != Status::Ready {
                channel_end::change(&mut after, |end| end.next_at = end.next_at.min(at));
            }
        }
        Event::LookUpDelayed { next_at } => {
            if before.look_up_asked_at.is_some() {
                after.look_up_next_at = Some(*next_at);
            }
        }
        Event::LookedUp => (after.look_up_asked_at, after.look_up_next_at) = (None, None),
        Event::CancelAsked { .. } => match before.status {
            Status::Cancelled => {}
            Status::Ready | Status::Disconnected => return Err(illegal()),
            _ => cancel(&mut after, at),
        },
        Event::DisconnectAsked { .. } => match before.status {
            Status::Ready => channel_end::ask(&mut after, Wanted::End, at),
            Status::Disconnected => {}
            _ => return Err(illegal()),
        },
        Event::ReconnectAsked { .. } => match before.status {
            Status::Ready => channel_end::ask(&mut after, Wanted::Keep, at),
            status if !status.is_final() && before.open_channel_end().is_some() => {
                channel_end::ask(&mut after, Wanted::Keep, at);
            }
            _ => return Err(illegal()),
        },
        Event::ChannelFound { channel_id } => {
            if before.status == Status::Cancelled {
                channel_found(&mut after, channel_id, at);
            }
        }
        Event::ChannelEndSent { wanted } => channel_end::change_wanted(&mut after, *wanted, |end| {
            (end.sent_at, end.unclear) = (Some(at), true);
        }),
        Event::ChannelEndAccepted { ends_at } => channel_end::change_wanted(&mut after, Wanted::End, |end| {
            *end = ChannelEnd {
                unclear: false,
                accepted_at: end.accepted_at.or(Some(at)),
                ends_at: ends_at.or(end.ends_at),
                error: None,
                ..end.clone()
            };
            end.next_at = end.next_look(at);
        }),
        Event::ChannelEndUnseen { wanted } => channel_end::change_wanted(&mut after, *wanted, |end| {
            if end.unclear || end.accepted_at.is_some() {
                (end.unclear, end.accepted_at, end.next_at) = (false, None, at);
            }
        }),
        Event::ChannelEndDelayed { wanted, error, next_at } => channel_end::change_wanted(&mut after, *wanted, |end| {
            end.error.clone_from(error);
            end.next_at = *next_at;
        }),
        Event::ChannelKept => {
            let is_kept = |end: &ChannelEnd| end.wanted == Wanted::Keep || before.channel_id.is_none();
            if before.open_channel_end().is_some_and(is_kept) {
                after.channel_end = None;
            }
        }
        Event::NumberLost { to } => match before.status {
            _ if before.has_ended() => after.number_lost_to = Some(to.clone()),
            _ if before.number_lost_to.as_ref() == Some(to) => {}
            _ => return Err(illegal()),
        },
        Event::NoKeyFound { channel_id } => {
            if before.channel_id.as_ref() == Some(channel_id) {
                after.may_have_key = false;
            }
        }
        Event::PermissionMissing { asked_at } => match before.status {
            Status::Live
                if before.key.is_none() && before.permission_granted_at.is_none_or(|granted| granted <= *asked_at) =>
            {
                advance(&mut after, Status::PermissionRequired);
            }
            _ if has_number(before) => {}
            _ => return Err(illegal()),
        },
        Event::PermissionGranted => match before.status {
            Status::PermissionRequired => {
                after.permission_granted_at = Some(at);
                advance(&mut after, Status::Live);
            }
            Status::SignedUp | Status::Submitted | Status::Live => after.permission_granted_at = Some(at),
            // What was refused may work now.
            Status::Ready if before.key_rotation.is_some() => {
                after.permission_granted_at = Some(at);
                forget_retry_of(&mut after, Step::KeyCreation);
            }
            Status::Failed if failed_at(before, Step::KeyCreation) => {
                after.permission_granted_at = Some(at);
                advance(&mut after, Status::Live);
            }
            _ if has_number(before) => {}
            _ => return Err(illegal()),
        },
        // The number's next channel came meanwhile.
        Event::KeyStored { channel_id, .. } | Event::MessagingReady { channel_id }
            if before.channel_id.as_ref() != Some(channel_id) && has_number(before) => {}
        Event::KeyStored { key, .. } => match before.status {
            Status::Live | Status::PermissionRequired => {
                after.key = Some(key.clone());
                advance(&mut after, Status::Live);
            }
            // It ended while its key was made. That the vault holds one must be known.
            status if status.is_final() && before.key.is_none() => {
                after.key = Some(key.clone());
                (after.key_deletion_due_at, after.key_deleted_at) = (None, None);
            }
            Status::Ready if before.key_rotation.as_ref().is_some_and(|rotation| !rotation.key_stored) => {
                after.key = Some(key.clone());
                after.key_rotation =
                    before.key_rotation.clone().map(|rotation| KeyRotation { key_stored: true, ..rotation });
                forget_retry_of(&mut after, Step::KeyCreation);
            }
            _ if before.key.is_some() => {}
            _ => return Err(illegal()),
        },
        Event::KeyRotationAsked { by } => match before.status {
            Status::Ready if before.key_rotation.is_none() => {
                after.key_rotation = Some(KeyRotation { since: at, by: by.clone(), key_stored: false });
            }
            Status::Ready => {}
            _ => return Err(illegal()),
        },
        Event::KeyDeletionDue => {
            if before.keys_idle_since().is_some() {
                after.key_deletion_due_at = before.key_deletion_due_at.or(Some(at));
            }
        }
        Event::KeysDeleted => {
            if before.key_deletion_due_at.is_some() && before.key_deleted_at.is_none() {
                (after.key, after.key_deleted_at, after.retry) = (None, Some(at), None);
            }
        }
        Event::MessagingReady { .. } => match before.status {
            Status::Live if before.key.is_some() => advance(&mut after, Status::Ready),
            Status::Ready if before.key_rotation.as_ref().is_some_and(|rotation| rotation.key_stored) => {
                (after.key_rotation, after.overdue_since) = (None, None);
                forget_retry_of(&mut after, Step::KeyCreation);
            }
            Status::Ready => {}
            _ => return Err(illegal()),
        },
        Event::StepDelayed { step, error, next_at, refused } => {
            if (step.spec().is_open)(before) {
                let (tries, earlier) = match before.retry.as_ref().filter(|retry| retry.step == *step) {
                    Some(retry) => (retry.tries.saturating_add(1), retry.refused.clone()),
                    None => (1, None),
                };
                let refused = match (refused, earlier) {
                    (Some(code), Some(earlier)) if earlier.code == *code => Some(earlier),
                    (Some(code), _) => Some(Refusal { code: code.clone(), at }),
                    (None, earlier) => earlier,
                };
                after.retry = Some(Retry { step: *step, tries, next_at: *next_at, error: error.clone(), refused });
            }
        }
        Event::StepFailed { problem } => {
            let goes_on = !before.status.is_final() && before.erased_at.is_none();
            if (problem.step.spec().is_open)(before) && goes_on {
                fail(&mut after, problem);
            }
        }
        Event::ClientCorrected { client } if client_is_open(before) => after.client = client.clone(),
        Event::ClientCorrected { .. } => return Err(illegal()),
        Event::RetryRequested { replace_key } => retry_requested(&mut after, *replace_key, at).ok_or_else(illegal)?,
        Event::Erased { .. } if before.erased_at.is_some() => {}
        Event::Erased { .. } => {
            if !before.may_be_erased(at) {
                return Err(illegal());
            }
            erasing::erase(&mut after, at);
        }
        Event::LinkExpired => {
            if matches!(before.status, Status::Started | Status::NumberChoice) && at >= before.link_expires_at {
                advance(&mut after, Status::Expired);
            }
        }
        Event::Overdue { since } => {
            // Otherwise the wait that it is about is over.
            let is_meant = before.status_since < *since && *since <= at;
            let rotates = before.key_rotation.as_ref().is_some_and(|rotation| rotation.since < *since);
            if is_meant && (before.status.has_longest_wait() || rotates) && before.overdue_since.is_none() {
                after.overdue_since = Some(*since);
            }
        }
    }
    if after == *before {
        return Ok(None);
    }
    after.updated_at = at;
    if after.status != before.status {
        after.status_since = after.updated_at;
        after.overdue_since = None;
    }
    if after.work().map(|work| work.class) != before.work().map(|work| work.class) {
        after.work_since = after.updated_at;
    }
    Ok(Some(after))
}

fn advance(after: &mut Onboarding, status: Status) {
    after.status = status;
    after.retry = None;
    after.problem = None;
    after.failed_from = None;
}

/// Whether Embedded Signup is behind the onboarding, so that news of its number can be late but not wrong.
fn has_number(onboarding: &Onboarding) -> bool {
    onboarding.number().is_some()
}

fn forget_retry_of(after: &mut Onboarding, step: Step) {
    if after.retry.as_ref().is_some_and(|retry| retry.step == step) {
        after.retry = None;
    }
}
