//! How far the customer is: the signup, its numbers, and the attempts that led to none.

use crate::client_account::{ClientAccount, ClientSearch};
use crate::record::Onboarding;
use crate::signup::{PopupAttempt, Signup};
use crate::status::Status;

/// How many popup attempts a record keeps. More stay in the history.
const ATTEMPTS_KEPT: usize = 20;
/// How many popups that ended without a signup are kept of a setup link, so that it cannot fill the table.
pub const MAX_POPUP_ATTEMPTS: u32 = 200;

pub(super) fn sign_up(after: &mut Onboarding, signup: Signup) {
    move_on(after, Status::SignedUp);
    after.signup = Some(signup);
    after.numbers.clear();
}

/// Goes on for the customer. The search for the client account goes its own way: it keeps its back-off, and its failure.
pub(super) fn move_on(after: &mut Onboarding, status: Status) {
    if after.status == Status::Failed {
        after.failed_from = Some(status);
    } else {
        after.status = status;
    }
    after.confirmation = None;
}

pub(super) fn search_client(after: &mut Onboarding, found: ClientSearch) {
    if let ClientAccount::Wanted { search, .. } = &mut after.client {
        *search = found;
    }
}

pub(super) fn keep_attempt(after: &mut Onboarding, attempt: &PopupAttempt) {
    let open = matches!(after.signup_status(), Status::Started | Status::Confirming | Status::NumberChoice);
    if !open || after.attempts_count >= MAX_POPUP_ATTEMPTS || after.attempts.contains(attempt) {
        return;
    }
    after.attempts_count += 1;
    after.attempts.push(attempt.clone());
    if after.attempts.len() > ATTEMPTS_KEPT {
        after.attempts.remove(0);
    }
}

pub(super) fn same_number(before: &Onboarding, signup: &Signup) -> bool {
    match (before.number(), &signup.number) {
        (Some((waba_id, known)), Some(number)) => Some(waba_id) == signup.waba_id.as_ref() && known.id == number.id,
        _ => false,
    }
}
