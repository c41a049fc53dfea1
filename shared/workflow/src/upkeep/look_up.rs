//! Asks the Hub for the channel of a number that was submitted, whose webhook may have been lost. What one answer shows of
//! others is taken too, so that a burst costs few calls.

use onboarding::{Class, Onboarding, Status};
use partner_hub::{Channel, HubError};
use store::{Store, StoreError, Stored};
use time::{Duration, OffsetDateTime};

use crate::inbound::owner::{Owner, apply_live, owner_of};
use crate::runner::{HubContext, PermittedWork, StepError};

/// A look that failed in passing is repeated after this time at the latest.
const FAILED_LOOK: Duration = Duration::minutes(15);

/// Looks once.
pub(crate) async fn run(context: &HubContext, permitted: &PermittedWork, stored: Stored) -> Result<Stored, StepError> {
    let onboarding = &stored.onboarding;
    let channels = context.call(permitted, async |authorization| match &onboarding.channel_id {
        Some(id) => context.hub.channel(authorization, id).await.map(|found| found.into_iter().collect()),
        None => context.hub.channels_page(authorization, 0).await.map(|page| page.channels),
    });
    let channels: Vec<Channel> = match channels.await? {
        Ok(channels) => channels,
        Err(error) => {
            let next_at = after_failure(onboarding, &error, context.clock.now());
            context.store.due_next(&permitted.work, Some(&permitted.permit), Class::LookUp, next_at).await?;
            return Err(error.into());
        }
    };
    for channel in channels.iter().filter(|channel| channel.is_live()) {
        live(&context.store, channel).await?;
    }
    let now = context.store.get(&onboarding.id).await?;
    if now.onboarding.status == Status::Submitted {
        let next_at = now.onboarding.next_look_up(context.clock.now());
        context.store.due_next(&permitted.work, Some(&permitted.permit), Class::LookUp, next_at).await?;
    } else {
        context.store.work_done(&now.onboarding, &permitted.permit).await?;
    }
    Ok(now)
}

/// What the Hub refuses or cannot say now it may say at the next look. The onboarding waits for its channel all the same, so
/// nothing is recorded of it.
fn after_failure(onboarding: &Onboarding, error: &HubError, now: OffsetDateTime) -> OffsetDateTime {
    let next_at = onboarding.next_look_up(now);
    match error {
        HubError::Permanent { .. } | HubError::Permission { .. } => next_at,
        HubError::Retry { .. } | HubError::NotYet { .. } | HubError::Unauthorized => next_at.min(now + FAILED_LOOK),
    }
}

/// Moves the onboarding on that waits for this channel, if one does. Whether one did.
pub(crate) async fn live(store: &Store, channel: &Channel) -> Result<bool, StoreError> {
    let Owner::Ours(id) = owner_of(store, channel).await? else { return Ok(false) };
    let onboarding = match store.get(&id).await {
        Ok(stored) => stored.onboarding,
        // A person has been told of it where it was found due.
        Err(StoreError::NotFound | StoreError::Unreadable { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    if matches!(onboarding.status, Status::SignedUp | Status::Submitted) {
        return apply_live(store, &id, &channel.id).await;
    }
    Ok(false)
}
