//! The partner webhooks: their bodies, signatures and deliveries.

use axum::body::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use time::Duration;

use crate::due::What;
use crate::faults::{self, Fault};
use crate::half_surrogates;
use crate::hub::{channels, clients};
use crate::ledger;
use crate::outbound;
use crate::platforms::Platforms;
use crate::settings::{Shape, Signature};
use crate::state::{Channel, Client, Progress, State};

/// Every event on the way to a key, sent unasked.
pub const EVENTS: [&str; 7] = [
    "client_created",
    "channel_created",
    "channel_submitted",
    "channel_ready",
    "channel_running",
    "channel_live",
    "channel_permission_granted",
];

/// Events of a channel that ends, sent when it is asked for or ordered. They can be disturbed as the others can.
pub(crate) const EVENTS_OF_THE_END: [&str; 4] =
    ["cancellation_request", "cancellation_revoke", "cancellation_processed", "channel_permission_revoked"];

/// Waits before the second and each later try, in milliseconds. The Hub's own are not documented.
const BACKOFF: [i64; 9] = [200, 1_000, 5_000, 15_000, 30_000, 60_000, 60_000, 60_000, 60_000];

/// One webhook on its way to the partner.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) event: String,
    pub(crate) id: Option<String>,
    pub(crate) channel_id: Option<String>,
    pub(crate) body: String,
    pub(crate) signature: Signature,
    /// Tries made so far.
    pub(crate) tries: u32,
}

/// Sends the event that a client was created.
pub(crate) fn emit_client(platforms: &Platforms, state: &mut State, client: &Client) {
    let data = json!({"id": client.id, "client": clients::short(client)});
    emit(platforms, state, "client_created", None, &data, &data);
}

/// Sends an event of a channel, shown as it was at `progress`.
pub(crate) fn emit_channel(
    platforms: &Platforms,
    state: &mut State,
    event: &str,
    channel: &Channel,
    progress: Progress,
) {
    let (full, flat) = both(state, channel, progress);
    emit(platforms, state, event, Some(&channel.id), &full, &flat);
}

/// The early copies of `channel_live`, to be delivered by the caller, and the rest, to be delivered when it is due.
pub(crate) fn early_live(
    platforms: &Platforms,
    state: &State,
    channel: &Channel,
    fault: &Fault,
) -> (Vec<Delivery>, Vec<Delivery>) {
    let (full, flat) = both(state, channel, Progress::Live);
    let delivery = delivery(platforms, state, "channel_live", Some(&channel.id), &full, &flat, Some(fault));
    let early = fault.early.unwrap_or_default();
    let rest = fault.copies.unwrap_or(1).saturating_sub(early);
    let copies = |count: u32| (0..count).map(|_| delivery.clone()).collect();
    (copies(early), copies(rest))
}

fn both(state: &State, channel: &Channel, progress: Progress) -> (Value, Value) {
    let client = state.client(&channel.client_id);
    (channels::object(channel, client, progress), channels::flat(channel, client, progress))
}

fn emit(platforms: &Platforms, state: &mut State, event: &str, channel_id: Option<&str>, full: &Value, flat: &Value) {
    let fault = faults::take_webhook(state, event);
    let delivery = delivery(platforms, state, event, channel_id, full, flat, fault.as_ref());
    if fault.as_ref().is_some_and(|fault| fault.lose) {
        return write_down(platforms, state, &delivery, Err("lost on order".to_owned()));
    }
    let wait = fault.as_ref().and_then(|fault| fault.delay_ms).unwrap_or_default();
    let at = platforms.now() + Duration::milliseconds(wait.into());
    for _ in 0..fault.and_then(|fault| fault.copies).unwrap_or(1) {
        platforms.schedule(state, at, What::Deliver(Box::new(delivery.clone())));
    }
}

fn delivery(
    platforms: &Platforms,
    state: &State,
    event: &str,
    channel_id: Option<&str>,
    full: &Value,
    flat: &Value,
    fault: Option<&Fault>,
) -> Delivery {
    let id = format!("evt_{}", platforms.random.text(12));
    let shape = fault.and_then(|fault| fault.shape).unwrap_or(state.behavior.webhook_shape);
    let envelope = json!({"id": id, "event": event, "data": full});
    let (id, body) = match (shape, channel_id) {
        (Shape::Flat, _) => (Some(id.clone()), json!({"id": id, "event": event, "data": flat})),
        (Shape::Legacy, Some(channel_id)) => (None, json!({"event": event, "channel_id": channel_id})),
        (Shape::Array, _) => (Some(id), json!([envelope])),
        (Shape::Duplicate, _) => (Some(id), json!([envelope, envelope])),
        _ => (Some(id), envelope),
    };
    Delivery {
        event: event.to_owned(),
        id,
        channel_id: channel_id.map(str::to_owned),
        body: half_surrogates::sent(&body.to_string()),
        signature: fault.and_then(|fault| fault.signature).unwrap_or(state.behavior.webhook_signature),
        tries: 0,
    }
}

/// Makes one try and writes it down; a refused one is repeated later, as far as there are tries left.
pub(crate) async fn deliver(platforms: &Platforms, mut delivery: Delivery) {
    let url = platforms.state().webhook_url.clone();
    let answer = match url {
        Some(url) => post(platforms, &url, &delivery.body, delivery.signature).await.map(|answer| answer.status),
        None => Err("no webhook URL is set".to_owned()),
    };
    delivery.tries += 1;
    let accepted = answer.as_ref().is_ok_and(|status| (200..300).contains(status));
    let mut state = platforms.state();
    let unset = state.webhook_url.is_none();
    write_down(platforms, &mut state, &delivery, answer);
    let next = usize::try_from(delivery.tries).ok().and_then(|tries| BACKOFF.get(tries - 1));
    if let Some(wait) = next
        && !accepted
        && !unset
    {
        let at = platforms.now() + Duration::milliseconds(*wait);
        platforms.schedule(&mut state, at, What::Deliver(Box::new(delivery)));
    }
}

/// Posts a body as the Hub does.
pub(crate) async fn post(
    platforms: &Platforms,
    url: &str,
    body: &str,
    signature: Signature,
) -> Result<outbound::Answer, String> {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if let Some(secret) = &platforms.settings.platform_secret {
        headers.extend(sign(secret, body.as_bytes(), signature).map(|value| ("x-360dialog-signature", value)));
    }
    outbound::call(url, headers, Some(Bytes::from(body.to_owned()))).await
}

fn sign(secret: &str, body: &[u8], signature: Signature) -> Option<String> {
    match signature {
        Signature::Good => Some(hmac_hex(secret, body)),
        Signature::Prefixed => Some(format!("sha256={}", hmac_hex(secret, body))),
        Signature::Wrong => Some(hmac_hex(&format!("not {secret}"), body)),
        Signature::None => None,
    }
}

/// HMAC-SHA256 in lower-case hexadecimal digits.
pub(crate) fn hmac_hex(secret: &str, message: &[u8]) -> String {
    // A key of any length is taken.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| hex::encode(mac.chain_update(message).finalize().into_bytes()))
        .unwrap_or_default()
}

fn write_down(platforms: &Platforms, state: &mut State, delivery: &Delivery, answer: Result<u16, String>) {
    let (status, error) = match answer {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error)),
    };
    state.ledger.webhooks.push(ledger::Webhook {
        sender: "360dialog".to_owned(),
        event: delivery.event.clone(),
        id: delivery.id.clone(),
        channel_id: delivery.channel_id.clone(),
        status,
        error,
        at: platforms.now(),
        attempt: delivery.tries,
    });
}
