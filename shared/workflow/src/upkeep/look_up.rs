//! Asks the Hub for a channel: that of a number which was submitted and whose webhook may have been lost, or one that may have
//! ended. What one answer shows of other numbers that were submitted is taken too, so that a burst costs few calls.

use onboarding::{Class, Event, Onboarding, Status};
use partner_hub::{Channel, ChannelStage, HubError};
use store::{Store, StoreError, Stored};
use telemetry::Metric;
use time::{Duration, OffsetDateTime};

use crate::inbound::owner::{Owner, apply_live, owner_of};
use crate::runner::{HubContext, PermittedWork, StepError};

/// A look that failed in passing is repeated after this time at the latest.
const FAILED_LOOK: Duration = Duration::minutes(15);

/// Looks once for the channel of a number that was submitted.
pub(crate) async fn run(context: &HubContext, permitted: &PermittedWork, stored: Stored) -> Result<Stored, StepError> {
    let onboarding = &stored.onboarding;
    let page = context.call(permitted, async |authorization| context.hub.channels_page(authorization, 0).await).await?;
    let channels = match page {
        Ok(page) => page.channels,
        Err(error) => return failed(context, permitted, onboarding, error).await,
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

/// Asks whether the channel of a number that is ready has ended. That the Hub does not list it says nothing.
pub(crate) async fn of_ready(
    context: &HubContext,
    permitted: &PermittedWork,
    stored: Stored,
) -> Result<Stored, StepError> {
    let Some(channel_id) = stored.onboarding.channel_id.clone() else { return Err(StepError::NothingToDo) };
    let answer =
        context.call(permitted, async |authorization| context.hub.channel(authorization, &channel_id).await).await?;
    let event = match answer {
        Ok(Some(channel)) if channel.stage() == ChannelStage::Ended => Event::ChannelEnded { channel_id },
        Ok(_) => Event::LookedUp,
        Err(error) => {
            // In the record, so that what else is to be done for the onboarding does not wait with it.
            let next_at = after_failure(&stored.onboarding, &error, context.clock.now());
            context.record(permitted, stored, &Event::LookUpDelayed { next_at }).await?;
            return Err(error.into());
        }
    };
    context.record(permitted, stored, &event).await
}

async fn failed(
    context: &HubContext,
    permitted: &PermittedWork,
    onboarding: &Onboarding,
    error: HubError,
) -> Result<Stored, StepError> {
    let next_at = after_failure(onboarding, &error, context.clock.now());
    context.store.due_next(&permitted.work, Some(&permitted.permit), Class::LookUp, next_at).await?;
    Err(error.into())
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
        return found_live(store, &onboarding, channel).await;
    }
    Ok(false)
}

/// Notes that the channel of an onboarding that waits for it is live, of which no webhook has told. Whether that was news.
///
/// Its webhook may be on its way. But the Hub sends others from the submission on: if none of them has come, none is accepted.
/// Of a channel that was there before the submission there may be none to send.
pub(crate) async fn found_live(store: &Store, onboarding: &Onboarding, channel: &Channel) -> Result<bool, StoreError> {
    let is_news = apply_live(store, &onboarding.id, channel).await?;
    if is_news
        && onboarding.status == Status::Submitted
        && !store.heard_since(onboarding.status_since).await?
        && !store.get(&onboarding.id).await?.onboarding.may_have_key
    {
        tracing::error!(channel_id = %channel.id, onboarding_id = %onboarding.id, "no webhook tells of a live channel");
        telemetry::count(Metric::WebhookMissed, 1);
    }
    Ok(is_news)
}
