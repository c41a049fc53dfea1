//! What a webhook in the inbox means for an onboarding.
//!
//! The channel says which onboarding it is: by its binding, else by its client account and number, else by WABA and
//! number. A webhook in the short shape names none of these, and then the Hub is asked for the channel, once.

use onboarding::call_limit::{Priority, Slot};
use onboarding::{
    ChannelId, Event, LONGEST_QUEUE_DELAY, Onboarding, OnboardingId, PhoneNumberId, QUEUE_GRACE, Step, WabaId,
};
use partner_hub::webhook::{self, EventKind, WebhookEvent};
use partner_hub::{Channel, HubError};
use queue::Task;
use store::{InboxEntry, InboxKey, Source, StoreError};
use telemetry::Metric;
use time::Duration;

use super::WebhookOutcome;
use crate::runner::{HubContext, StepError};

/// A webhook whose onboarding is not found by then never had one.
const UNMATCHED_FOR: Duration = Duration::hours(72);
/// The longest wait between two tries to find it. Each may cost a Hub call, and a partner may have channels onboarded elsewhere.
const UNMATCHED_WAIT: Duration = Duration::hours(6);
/// How long the Hub is asked for a webhook's channel before other work.
const FRESH: Duration = Duration::minutes(5);

/// Applies a kept webhook. Returns the onboarding that it moved or may have moved.
///
/// # Errors
/// A sentence, if the message must be delivered again.
pub(crate) async fn settle(
    context: &HubContext,
    key: &InboxKey,
    slot: Option<Slot>,
) -> Result<Option<OnboardingId>, String> {
    let entry = match context.store.inbox(key).await {
        Ok(Some(entry)) => entry,
        Ok(None) => {
            tracing::error!("message for a webhook that is not in the inbox");
            return Ok(None);
        }
        Err(error) => return Err(error.to_string()),
    };
    // Reconciliation deals with Meta's.
    if entry.source == Source::Meta {
        return Ok(None);
    }
    let now = context.clock.now();
    // Each wait is as long as the webhook is old.
    let age = now - entry.received_at;
    match applied(context, &entry, slot).await {
        Ok(Settled::Done(outcome, id)) => {
            context.store.processed(key, outcome.as_str()).await.map_err(|error| error.to_string())?;
            Ok(id)
        }
        Ok(Settled::Unmatched) if age >= UNMATCHED_FOR => {
            tracing::warn!(event = entry.name, "webhook for a channel that no onboarding knows");
            telemetry::count(Metric::WebhookUnmatched, 1);
            let outcome = WebhookOutcome::Unmatched.as_str();
            context.store.processed(key, outcome).await.map_err(|error| error.to_string())?;
            Ok(None)
        }
        Ok(Settled::Unmatched) => {
            context
                .store
                .postpone(key, now + age.clamp(Duration::minutes(1), UNMATCHED_WAIT))
                .await
                .map_err(|error| error.to_string())?;
            Ok(None)
        }
        Err(StepError::Wait { until, slot }) => come_back(context, key, slot, until - now).await,
        Err(StepError::Unavailable(reason)) => Err(reason),
        Err(stop) => {
            tracing::warn!(?stop, "the Hub could not be asked for the channel of a webhook");
            come_back(context, key, None, age.clamp(Duration::seconds(5), LONGEST_QUEUE_DELAY)).await
        }
    }
}

async fn come_back(
    context: &HubContext,
    key: &InboxKey,
    slot: Option<Slot>,
    delay: Duration,
) -> Result<Option<OnboardingId>, String> {
    let task = Task::Inbox { inbox_key: key.as_str().to_owned(), slot };
    context.queue.send(Step::KeyCreation, &task, delay).await.map_err(|error| error.to_string())?;
    let due_at = context.clock.now() + delay + QUEUE_GRACE;
    context.store.postpone(key, due_at).await.map_err(|error| error.to_string())?;
    Ok(None)
}

enum Settled {
    Done(WebhookOutcome, Option<OnboardingId>),
    Unmatched,
}

async fn applied(context: &HubContext, entry: &InboxEntry, slot: Option<Slot>) -> Result<Settled, StepError> {
    let Some(body) = &entry.body else {
        tracing::warn!(event = entry.name, size = entry.size, "webhook too large to be read; only its digest is kept");
        return Ok(Settled::Done(WebhookOutcome::TooLarge, None));
    };
    let event = webhook::parse(body);
    let Some(channel) = &event.channel else { return Ok(Settled::Done(WebhookOutcome::Ignored, None)) };
    if event.kind == EventKind::Other {
        return Ok(Settled::Done(WebhookOutcome::Ignored, None));
    }
    // The older it is, the likelier its channel was onboarded elsewhere, and then no onboarding should wait for it.
    let fresh = context.clock.now() - entry.received_at < FRESH;
    let priority = if fresh { Priority::KeyCreation } else { Priority::Reconciliation };
    let Some(id) = find(context, &event, channel, priority, slot).await? else {
        // Only news that moves an onboarding is worth waiting for its record.
        let moves = event.kind != EventKind::ChannelSeen;
        return Ok(if moves { Settled::Unmatched } else { Settled::Done(WebhookOutcome::Unmatched, None) });
    };
    telemetry::set_onboarding(id.as_str());
    match context.store.apply(&id, &domain_event(event.kind, &channel.id)).await {
        Ok(_) => Ok(Settled::Done(WebhookOutcome::Applied, Some(id))),
        Err(error @ (StoreError::Illegal(_) | StoreError::ChannelTaken)) => {
            tracing::warn!(%error, "webhook does not apply");
            Ok(Settled::Done(WebhookOutcome::DoesNotApply, None))
        }
        Err(error) => Err(error.into()),
    }
}

fn domain_event(kind: EventKind, channel_id: &ChannelId) -> Event {
    match kind {
        EventKind::ChannelLive => Event::ChannelLive { channel_id: channel_id.clone() },
        EventKind::PermissionGranted => Event::PermissionGranted,
        EventKind::ChannelSeen | EventKind::Other => Event::ChannelSeen { channel_id: channel_id.clone() },
    }
}

async fn find(
    context: &HubContext,
    event: &WebhookEvent,
    channel: &Channel,
    priority: Priority,
    mut slot: Option<Slot>,
) -> Result<Option<OnboardingId>, StepError> {
    if let Some(id) = owner(context, channel).await? {
        return Ok(Some(id));
    }
    let told_all = channel.waba_id.is_some() && channel.phone_number_id.is_some();
    if told_all || event.kind == EventKind::ChannelSeen {
        return Ok(None);
    }
    let credentials = context.credentials().await?;
    context.acquire_call(priority, &mut slot).await?;
    match context.hub.channel(&credentials, &channel.id).await {
        Ok(Some(channel)) => owner(context, &channel).await,
        Ok(None) | Err(HubError::Permanent { .. } | HubError::Permission { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The onboarding of a channel, as far as the table knows it.
pub(crate) async fn owner(context: &HubContext, channel: &Channel) -> Result<Option<OnboardingId>, StepError> {
    if let Some(id) = context.store.channel_owner(&channel.id).await? {
        return Ok(Some(id));
    }
    if let (Some(waba_id), Some(phone_number_id)) = (&channel.waba_id, &channel.phone_number_id)
        && let Some(id) = context.store.number_owner(waba_id, phone_number_id).await?
    {
        return Ok(Some(id));
    }
    let Some(client_id) = &channel.client_id else { return Ok(None) };
    let candidates = context.store.by_client(client_id).await?;
    let mut fitting = candidates.iter().map(|stored| &stored.onboarding).filter(|onboarding| fits(onboarding, channel));
    match (fitting.next(), fitting.next()) {
        (Some(onboarding), None) => Ok(Some(onboarding.id.clone())),
        _ => Ok(None),
    }
}

/// Notes that an onboarding's channel was seen live at the Hub. Whether it is the onboarding's.
pub(crate) async fn apply_live(
    context: &HubContext,
    id: &OnboardingId,
    channel_id: &ChannelId,
) -> Result<bool, StoreError> {
    match context.store.apply(id, &Event::ChannelLive { channel_id: channel_id.clone() }).await {
        Ok(_) => Ok(true),
        Err(error @ (StoreError::Illegal(_) | StoreError::ChannelTaken)) => {
            tracing::warn!(%error, onboarding_id = %id, "live channel does not apply");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether a channel is that of an onboarding: nothing that both name differs, and the number is named by both.
pub(crate) fn fits(onboarding: &Onboarding, channel: &Channel) -> bool {
    let Some((waba_id, number)) = onboarding.number() else { return false };
    if onboarding.channel_id.as_ref().is_some_and(|id| *id == channel.id) {
        return true;
    }
    let agrees = |ours: &str, theirs: Option<&str>| theirs.is_none_or(|theirs| theirs == ours);
    if onboarding.client_id().zip(channel.client_id.as_ref()).is_some_and(|(ours, theirs)| ours != theirs) {
        return false;
    }
    let digits = number.display_phone_number.as_deref().map(digits);
    let same_id = channel.phone_number_id.as_ref().is_some_and(|id| *id == number.id);
    let same_digits = digits.is_some() && digits == channel.phone_number;
    agrees(waba_id.as_str(), channel.waba_id.as_ref().map(WabaId::as_str))
        && agrees(number.id.as_str(), channel.phone_number_id.as_ref().map(PhoneNumberId::as_str))
        && (same_id || same_digits)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
