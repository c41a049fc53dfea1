//! What a webhook in the inbox means for an onboarding.
//!
//! A webhook only hints, however authentic it is: the Hub is asked once whose channel it is, and what it says in full is
//! remembered. A channel that is an onboarding's already ([`owner_of`]) needs no question.

use std::time::Instant;

use exchange::Clock;
use onboarding::{ChannelId, Class, Event, OnboardingId};
use partner_hub::webhook::{self, EventKind, WebhookEvent};
use partner_hub::{Channel, HubError};
use store::{Applied, InboxEntry, InboxKey, SeenChannel, Source, Store, StoreError, WorkKey};
use telemetry::Metric;
use time::{Duration, OffsetDateTime};

use super::WebhookOutcome;
use super::owner::{Owner, apply_live, owner_of};
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
    /// The Hub has to say whose channel it is: a question of this class.
    Ask(Class),
}

/// Applies a kept webhook as far as the table knows whose it is, and says when it is due next. `permit`: the worker's that
/// settles it, if one does. In which class the Hub has to be asked, if it has.
///
/// # Errors
/// The table's. The webhook is due still.
pub(crate) async fn settle(
    store: &Store,
    clock: &Clock,
    key: &InboxKey,
    permit: Option<&str>,
) -> Result<Option<Class>, StoreError> {
    let Some(entry) = store.inbox(key).await? else {
        tracing::warn!("a webhook that is no longer in the inbox is left alone");
        return match store.processed(key, WebhookOutcome::Unmatched.as_str()).await {
            Ok(()) | Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
    };
    // It was settled while this message was on its way.
    if entry.body.is_none() && !entry.is_too_long() {
        return Ok(None);
    }
    let work = WorkKey::Inbox(key.clone());
    match applied(store, clock, &entry).await? {
        Settled::Done(outcome) => {
            store.processed(key, outcome.as_str()).await?;
            Ok(None)
        }
        Settled::Unmatched { next_at } => {
            store.due_next(&work, permit, Class::Free, next_at).await?;
            Ok(None)
        }
        Settled::Ask(class) => Ok(Some(class)),
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
    if settle(store, &context.clock, key, permit).await?.is_none() {
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
            // Needed only where Meta's id is missing.
            phone_number: channel.phone_number.filter(|_| channel.phone_number_id.is_none()),
            phone_number_id: channel.phone_number_id,
            made_at: channel.created_at,
            ..SeenChannel::default()
        });
        store.remember_channel(&id, &SeenChannel { asks, asked_at, ..seen }).await?;
    } else {
        permitted.give_back(store).await?;
    }
    if settle(store, &context.clock, key, permit).await?.is_some() {
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
    let Some(channel) = event.channel.as_ref().filter(|_| event.kind != EventKind::Other) else {
        return Ok(Settled::Done(WebhookOutcome::Ignored));
    };
    let seen = store.seen_channel(&channel.id).await?;
    let said = said(&channel.id, seen.clone().unwrap_or_default());
    match owner_of(store, &said).await? {
        Owner::Ours(id) => {
            telemetry::set_onboarding(id.as_str());
            apply(store, &id, &event, &said).await.map(Settled::Done)
        }
        // A webhook that names somebody's number, or none, may be about an onboarding of ours.
        Owner::NotSaidYet if event.kind == EventKind::ChannelLive && may_be_ours(store, channel).await? => {
            Ok(ask_or_wait(clock.now(), entry, &event, channel, seen.as_ref()))
        }
        Owner::NotSaidYet | Owner::Anothers | Owner::Nobody => Ok(unmatched(clock.now(), entry, &event, channel)),
    }
}

/// The channel with nothing but what the Hub has said of it.
fn said(id: &ChannelId, seen: SeenChannel) -> Channel {
    let SeenChannel { client_id, waba_id, phone_number_id, phone_number, made_at, .. } = seen;
    Channel { client_id, waba_id, phone_number_id, phone_number, created_at: made_at, ..Channel::unknown(id.clone()) }
}

async fn may_be_ours(store: &Store, channel: &Channel) -> Result<bool, StoreError> {
    match &channel.phone_number_id {
        Some(id) => Ok(store.number_owner(id).await?.is_some()),
        None => Ok(true),
    }
}

/// Applies a webhook about a channel of ours.
async fn apply(
    store: &Store,
    id: &OnboardingId,
    event: &WebhookEvent,
    said: &Channel,
) -> Result<WebhookOutcome, StoreError> {
    let news = match event.kind {
        EventKind::ChannelLive => return apply_live(store, id, said).await.map(outcome),
        EventKind::ChannelEnded => Event::ChannelEnded { channel_id: said.id.clone() },
        EventKind::PermissionGranted => Event::PermissionGranted,
        EventKind::LookUp => Event::LookUpAsked { reason: event.name.clone() },
        EventKind::Other => return Ok(WebhookOutcome::Ignored),
    };
    match store.apply(id, &news).await {
        Ok(applied) => Ok(outcome(matches!(applied, Applied::Changed(_)))),
        Err(error @ StoreError::Illegal(_)) => {
            tracing::warn!(%error, "webhook does not apply");
            Ok(WebhookOutcome::DoesNotApply)
        }
        Err(error) => Err(error),
    }
}

const fn outcome(changed: bool) -> WebhookOutcome {
    if changed { WebhookOutcome::Applied } else { WebhookOutcome::Known }
}

/// Only news that moves an onboarding is worth waiting for its record, and not for ever.
fn unmatched(now: OffsetDateTime, entry: &InboxEntry, event: &WebhookEvent, channel: &Channel) -> Settled {
    let age = now - entry.received_at;
    if !matches!(event.kind, EventKind::ChannelLive | EventKind::PermissionGranted) {
        return Settled::Done(WebhookOutcome::Unmatched);
    }
    if age >= UNMATCHED_FOR {
        tracing::warn!(event = entry.name, channel_id = %channel.id, "webhook for a channel that no onboarding knows");
        telemetry::count(Metric::ChannelUnknown, 1);
        return Settled::Done(WebhookOutcome::Unmatched);
    }
    Settled::Unmatched { next_at: now + age.clamp(Duration::minutes(1), UNMATCHED_WAIT) }
}

/// Whether the Hub is asked now whose channel it is. An answer that does not say is asked for again, ever more rarely.
fn ask_or_wait(
    now: OffsetDateTime,
    entry: &InboxEntry,
    event: &WebhookEvent,
    channel: &Channel,
    seen: Option<&SeenChannel>,
) -> Settled {
    let otherwise = unmatched(now, entry, event, channel);
    if !matches!(otherwise, Settled::Unmatched { .. }) {
        return otherwise;
    }
    // One that names the number of an onboarding is all that its key waits for.
    let class = if channel.phone_number_id.is_some() { Class::Key } else { Class::LookUp };
    let Some((asks, asked_at)) = seen.and_then(|seen| Some((seen.asks, seen.asked_at?))) else {
        return Settled::Ask(class);
    };
    let wait = (asks as usize).checked_sub(1).map_or(ASK_AGAIN.first(), |earlier| ASK_AGAIN.get(earlier));
    match wait.map(|wait| asked_at + *wait) {
        Some(at) if at <= now => Settled::Ask(class),
        Some(at) => Settled::Unmatched { next_at: at },
        // Asked often enough: the daily sweep sees it.
        None => otherwise,
    }
}
