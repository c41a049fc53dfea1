//! What changes in the transaction of a record, besides its number and channel: who has a WABA, the signups that nobody has, the
//! token of the signup that is being confirmed, the codes that a link may have exchanged, the reminder of a new key, and the
//! list of what is overdue.

use aws_sdk_dynamodb::types::TransactWriteItem;
use onboarding::{Event, Onboarding, SignupSource, Status};

use super::kept_token::{self, KeptToken};
use super::{StoreError, erasure, overdue, popup, rotation, unclaimed, waba};

/// One write.
pub(crate) struct Also {
    pub(crate) write: TransactWriteItem,
    /// What to say if its condition does not hold.
    pub(crate) refusal: Option<StoreError>,
}

impl Also {
    /// What an event changes. `token`: of the code that was exchanged.
    pub(crate) fn of(
        table: &str,
        before: &Onboarding,
        after: &Onboarding,
        event: &Event,
        token: Option<&KeptToken>,
    ) -> Result<Vec<Self>, StoreError> {
        let always = |write| Self { write, refusal: None };
        let mut writes = Vec::new();
        if let Event::NumbersFound { .. }
        | Event::SignupProven { .. }
        | Event::NumberChosen { .. }
        | Event::Imported { .. } = event
        {
            for waba_id in waba::wabas(after) {
                writes.push(always(waba::hold(table, waba_id, after)?));
            }
        }
        if let Event::NumbersFound { signup, .. } | Event::SignupProven { signup } | Event::Imported { signup, .. } =
            event
        {
            let claimed = signup.source == SignupSource::Partner;
            for waba_id in waba::wabas(after) {
                let write = unclaimed::end(table, waba_id, claimed)?;
                writes.push(Self { write, refusal: claimed.then_some(StoreError::NotUnclaimed) });
            }
        }
        if let Some(token) = token {
            writes.push(always(kept_token::keep(table, &after.id, token)?));
        } else if before.signup_status() == Status::Confirming && after.signup_status() != Status::Confirming {
            writes.push(always(kept_token::drop(table, &after.id)?));
        }
        if let Event::LinkRenewed { .. } = event {
            writes.push(always(popup::count_anew(table, &after.id)?));
        }
        if let Event::Erased { .. } = event {
            writes.push(always(erasure::note(table, after)?));
        }
        let is_overdue = before.overdue_since.is_none() && after.overdue_since.is_some();
        match (&before.key_rotation, &after.key_rotation) {
            (None, Some(asked)) => writes.push(always(rotation::remind(table, &after.id, asked.since)?)),
            (Some(_), None) => writes.push(always(rotation::forget(table, &after.id)?)),
            (Some(_), Some(_)) if is_overdue => writes.push(always(rotation::forget(table, &after.id)?)),
            _ => {}
        }
        match after.overdue_since {
            Some(since) if before.overdue_since != Some(since) => {
                writes.push(always(overdue::enlist(table, &after.id, since)?));
            }
            None if before.overdue_since.is_some() => writes.push(always(overdue::strike(table, &after.id)?)),
            _ => {}
        }
        Ok(writes)
    }
}
