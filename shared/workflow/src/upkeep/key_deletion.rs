//! Has the keys of a channel deleted that ended long enough ago. Only key-creation may write the vault, so that it does it.

use onboarding::{Class, Event, OnboardingId};
use store::{Due, StoreError};
use time::{Duration, OffsetDateTime};

use super::UpkeepContext;

/// Has the keys of an onboarding deleted that have been idle since `since`, or waits until that is long enough ago.
pub(crate) async fn due_or_defer(
    context: &UpkeepContext,
    kept: Duration,
    due: &Due,
    id: &OnboardingId,
    since: OffsetDateTime,
) -> Result<(), StoreError> {
    let until = since + kept;
    if context.clock.now() < until {
        return context.store.defer(due, Class::Reconciliation, until).await;
    }
    context.store.apply(id, &Event::KeyDeletionDue).await.map(drop)
}
