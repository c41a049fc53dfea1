//! Deletes onboardings that ended long ago.

use std::time::Instant;

use onboarding::{OnboardingId, Status};
use store::{Due, StoreError, WorkKey};
use time::Duration;

use super::UpkeepContext;

/// How many of one status are looked at in one run.
const AT_ONCE: u32 = 100;

/// Deletes those that have ended and that nobody has changed for as long as records are kept, and first the rest of those whose
/// deletion was interrupted. Returns how many.
///
/// # Errors
/// If the index is out of reach. The next run looks again.
pub(crate) async fn delete_past(
    context: &UpkeepContext,
    kept: Duration,
    due: &[Due],
    until: Instant,
) -> Result<usize, StoreError> {
    let mut deleted = 0;
    let mut count = |id: &OnboardingId, gone: Result<bool, StoreError>| match gone {
        Ok(gone) => deleted += usize::from(gone),
        // Another run has deleted it.
        Err(StoreError::NotFound) => {}
        // One that cannot be read, or deleted just now, does not keep the others from being deleted.
        Err(error) => tracing::error!(%error, onboarding_id = %id, "an onboarding could not be deleted"),
    };
    for Due { key, .. } in due {
        if Instant::now() >= until {
            break;
        }
        match key {
            WorkKey::Deletion(id) => count(id, delete_rest(context, id, until).await),
            // The request that asked for it was interrupted.
            WorkKey::Erasure(id) => count(id, context.store.erase_rest(id, until).await.map(|_| false)),
            _ => {}
        }
    }
    for status in Status::ALL.iter().filter(|status| status.has_ended()) {
        for id in context.store.long_in_status(*status, context.clock.now() - kept, AT_ONCE).await? {
            if Instant::now() < until {
                count(&id, delete_one(context, kept, &id, until).await);
            }
        }
    }
    Ok(deleted)
}

/// Deletes an onboarding, if its time is over. Whether it is deleted.
async fn delete_one(
    context: &UpkeepContext,
    kept: Duration,
    id: &OnboardingId,
    until: Instant,
) -> Result<bool, StoreError> {
    let stored = context.store.get(id).await?;
    // A record with a key in the vault stays until its key can be deleted with it.
    let is_past = stored.onboarding.is_past_retention(kept, context.clock.now());
    if !is_past || !context.store.delete_record(&stored).await? {
        return Ok(false);
    }
    delete_rest(context, id, until).await
}

async fn delete_rest(context: &UpkeepContext, id: &OnboardingId, until: Instant) -> Result<bool, StoreError> {
    while !context.store.delete_rest(id).await? {
        if Instant::now() >= until {
            return Ok(false);
        }
    }
    Ok(true)
}
