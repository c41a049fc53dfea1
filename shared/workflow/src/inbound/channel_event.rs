//! What a webhook in the inbox means for an onboarding.
//!
//! The channel says which onboarding it is ([`owner_of`]), and mostly the table knows. A webhook in the short shape names
//! only the channel; then the Hub is asked for it once, and its answer is remembered.

use std::time::Instant;

use exchange::Clock;
use onboarding::{ChannelId, Class, Event};
use partner_hub::webhook::{self, EventKind, WebhookEvent};
use partner_hub::{Channel, HubError};
use store::{InboxEntry, InboxKey, SeenChannel, Source, Store, StoreError, WorkKey};
use telemetry::Metric;
use time::{Duration, OffsetDateTime};

use super::WebhookOutcome;
use super::owner::{Owner, owner_of};
use crate::runner::{HubContext, PermittedWork, StepError};

/// A webhook whose onboarding is not found by then never had one.
const UNMATCHED_FOR: Duration = Duration::hours(72);
/// The longest wait between two looks whether its onboarding has come.
const UNMATCHED_WAIT: Duration = Duration::hours(6);
/// How long after each answer that does not say whose channel it is the Hub is asked again.
const ASK_AGAIN: [Duration; 4] =
    [Duration::minutes(1), Duration::minutes(2), Duration::minutes(5), Duration::minutes(15)];

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is done with.
    Done(WebhookOutcome),
    /// Its onboarding is not there. To be looked at again then.
    Unmatched { next_at: OffsetDateTime },
    /// The Hub has to say whose channel it is.
    Ask,
}

/// Applies a kept webhook as far as the table knows whose it is, and says when it is due next. `permit`: the worker's that
/// settles it, if one does. Whether the Hub has to be asked.
///
/// # Errors
/// The table's. The webhook is due still.
pub(crate) async fn settle(
    store: &Store,
    clock: &Clock,
    key: &InboxKey,
    permit: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(entry) = store.inbox(key).await? else {
        tracing::warn!("a webhook that is no longer in the inbox is left alone");
        return match store.processed(key, WebhookOutcome::Unmatched.as_str()).await {
            Ok(()) | Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        };
    };
    let work = WorkKey::Inbox(key.clone());
    match applied(store, clock, &entry).await? {
        Settled::Done(outcome) => {
            store.processed(key, outcome.as_str()).await?;
            Ok(false)
        }
        Settled::Unmatched { next_at } => {
            store.due_next(&work, permit, Class::Free, next_at).await?;
            Ok(false)
        }
        Settled::Ask => Ok(true),
    }
}

/// Asks the Hub whose channel a webhook is about, remembers the answer, and settles the webhook with it.
///
/// # Errors
/// A sentence, if nothing could be recorded. The webhook is due again by itself.
pub(crate) async fn ask(context: &HubContext, permitted: &PermittedWork, key: &InboxKey) -> Result<(), String> {
    let started = Instant::now();
    let asked = find(context, permitted, key).await;
    let outcome = asked.as_ref().map_or_else(StepError::outcome, |()| "done");
    telemetry::step("look_up", outcome, started, asked.as_ref().err().and_then(StepError::reason));
    match asked {
        Ok(()) | Err(StepError::Void) => Ok(()),
        Err(StepError::Unavailable(reason)) => Err(reason),
        Err(stop) => {
            tracing::warn!(?stop, "the Hub could not be asked for the channel of a webhook");
            let next_at = context.clock.now() + ASK_AGAIN[0];
            let permit = Some(permitted.permit.as_str());
            let recorded = context.store.due_next(&permitted.work, permit, Class::LookUp, next_at).await;
            recorded.map_err(|error| error.to_string())
        }
    }
}

async fn find(context: &HubContext, permitted: &PermittedWork, key: &InboxKey) -> Result<(), StepError> {
    let (store, permit) = (&context.store, Some(permitted.permit.as_str()));
    // The answer to another webhook of the channel may have said it meanwhile.
    if !settle(store, &context.clock, key, permit).await? {
        return permitted.give_back(store).await;
    }
    let entry = store.inbox(key).await?;
    let event = entry.and_then(|entry| entry.body).map(|body| webhook::parse(&body));
    if let Some(Channel { id, .. }) = event.and_then(|event| event.channel) {
        let asks = store.seen_channel(&id).await?.map_or(0, |seen| seen.asks);
        let answer =
            context.call(permitted, async |authorization| context.hub.channel(authorization, &id).await).await?;
        let said = match answer {
            Ok(channel) => channel,
            Err(HubError::Permanent { .. } | HubError::Permission { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let (asks, asked_at) = (asks + 1, Some(context.clock.now()));
        let seen = said.map_or_else(SeenChannel::default, |channel| SeenChannel {
            client_id: channel.client_id,
            waba_id: channel.waba_id,
            phone_number_id: channel.phone_number_id,
            phone_number: channel.phone_number,
            ..SeenChannel::default()
        });
        store.remember_channel(&id, &SeenChannel { asks, asked_at, ..seen }).await?;
    } else {
        permitted.give_back(store).await?;
    }
    if settle(store, &context.clock, key, permit).await? {
        store.due_next(&permitted.work, permit, Class::LookUp, context.clock.now() + ASK_AGAIN[0]).await?;
    }
    Ok(())
}

async fn applied(store: &Store, clock: &Clock, entry: &InboxEntry) -> Result<Settled, StoreError> {
    // Reconciliation deals with Meta's.
    if entry.source == Source::Meta {
        return Ok(Settled::Done(WebhookOutcome::Ignored));
    }
    let Some(body) = &entry.body else {
        tracing::warn!(event = entry.name, size = entry.size, "webhook too large to be read; only its digest is kept");
        return Ok(Settled::Done(WebhookOutcome::TooLarge));
    };
    let event = webhook::parse(body);
    let moves = !matches!(event.kind, EventKind::Other | EventKind::ChannelEnded | EventKind::LookUp);
    let Some(channel) = event.channel.as_ref().filter(|_| moves) else {
        return Ok(Settled::Done(WebhookOutcome::Ignored));
    };
    let (channel, seen) = completed(store, channel).await?;
    let owner = owner_of(store, &channel).await?;
    let Owner::Ours(id) = owner else { return Ok(unmatched(clock.now(), entry, &event, &channel, seen.as_ref())) };
    telemetry::set_onboarding(id.as_str());
    match store.apply(&id, &domain_event(event.kind, &channel.id)).await {
        Ok(_) => Ok(Settled::Done(WebhookOutcome::Applied)),
        Err(error @ (StoreError::Illegal(_) | StoreError::ChannelTaken)) => {
            tracing::warn!(%error, "webhook does not apply");
            Ok(Settled::Done(WebhookOutcome::DoesNotApply))
        }
        Err(error) => Err(error),
    }
}

/// The channel with what the Hub has said of it, if the webhook does not say all.
async fn completed(store: &Store, channel: &Channel) -> Result<(Channel, Option<SeenChannel>), StoreError> {
    if names_number(channel) {
        return Ok((channel.clone(), None));
    }
    let seen = store.seen_channel(&channel.id).await?;
    let mut channel = channel.clone();
    if let Some(SeenChannel { client_id, waba_id, phone_number_id, phone_number, .. }) = seen.clone() {
        channel.client_id = channel.client_id.or(client_id);
        channel.waba_id = channel.waba_id.or(waba_id);
        channel.phone_number_id = channel.phone_number_id.or(phone_number_id);
        channel.phone_number = channel.phone_number.or(phone_number);
    }
    Ok((channel, seen))
}

fn names_number(channel: &Channel) -> bool {
    channel.waba_id.is_some() && channel.phone_number_id.is_some()
}

/// Only news that moves an onboarding is worth waiting for its record, and not for ever.
fn unmatched(
    now: OffsetDateTime,
    entry: &InboxEntry,
    event: &WebhookEvent,
    channel: &Channel,
    seen: Option<&SeenChannel>,
) -> Settled {
    let age = now - entry.received_at;
    if event.kind == EventKind::ChannelSeen {
        return Settled::Done(WebhookOutcome::Unmatched);
    }
    if age >= UNMATCHED_FOR {
        tracing::warn!(event = entry.name, channel_id = %channel.id, "webhook for a channel that no onboarding knows");
        telemetry::count(Metric::ChannelUnknown, 1);
        return Settled::Done(WebhookOutcome::Unmatched);
    }
    let next_at = now + age.clamp(Duration::minutes(1), UNMATCHED_WAIT);
    if names_number(channel) {
        return Settled::Unmatched { next_at };
    }
    // Not all is said yet.
    let asks = seen.map_or(0, |seen| seen.asks) as usize;
    let ask_at = match (seen.and_then(|seen| seen.asked_at), asks.checked_sub(1).map(|n| ASK_AGAIN.get(n))) {
        (Some(asked_at), Some(Some(wait))) => Some(asked_at + *wait),
        // Asked often enough: the daily sweep sees it.
        (Some(_), Some(None)) => None,
        _ => Some(now),
    };
    match ask_at {
        Some(at) if at <= now => Settled::Ask,
        Some(at) => Settled::Unmatched { next_at: at },
        None => Settled::Unmatched { next_at },
    }
}

fn domain_event(kind: EventKind, channel_id: &ChannelId) -> Event {
    match kind {
        EventKind::ChannelLive => Event::ChannelLive { channel_id: channel_id.clone() },
        EventKind::PermissionGranted => Event::PermissionGranted,
        EventKind::ChannelSeen | EventKind::ChannelEnded | EventKind::LookUp | EventKind::Other => {
            Event::ChannelSeen { channel_id: channel_id.clone() }
        }
    }
}
