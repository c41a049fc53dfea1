//! The end of a channel: requested, perhaps revoked, processed later.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use time::Duration;

use super::{HubError, api_keys, channels, fields};
use crate::due::What;
use crate::platforms::{App, Platforms};
use crate::state::{self, Channel, End};
use crate::webhooks;

type Ids = Path<(String, String, String)>;

/// `POST …/clients/{client_id}/channels/{channel_id}/control/cancellation_request`: `{enabled: true}` or nothing.
pub(super) async fn request(
    State(app): State<App>,
    Path((_, client_id, channel_id)): Ids,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, HubError> {
    if fields(&headers, &body)?.get("enabled").is_some_and(|enabled| *enabled != json!(true)) {
        return Err(HubError::wrong_payload("enabled: Must be true."));
    }
    let mut state = app.state();
    let channel = open(&state, &client_id, &channel_id)?;
    // Once more: the same answer, and the first request counts.
    if channel.terminated_at.is_none() {
        schedule(&app, &mut state, &channel_id);
    }
    shown(&state, &channel_id)
}

/// `POST …/clients/{client_id}/channels/{channel_id}/control/reactivate`.
pub(super) async fn revoke(
    State(app): State<App>,
    Path((_, client_id, channel_id)): Ids,
) -> Result<Json<Value>, HubError> {
    let mut state = app.state();
    if open(&state, &client_id, &channel_id)?.terminated_at.is_none() {
        return Err(HubError::client_error("Cancellation was not requested"));
    }
    withdraw(&app, &mut state, &channel_id);
    shown(&state, &channel_id)
}

fn open<'a>(state: &'a state::State, client_id: &str, channel_id: &str) -> Result<&'a Channel, HubError> {
    let channel = state.channel(channel_id).filter(|channel| channel.client_id == client_id);
    let channel = channel.ok_or_else(|| HubError::not_found(&[]))?;
    if channel.is_open() { Ok(channel) } else { Err(HubError::client_error("Channel is not running")) }
}

fn shown(state: &state::State, channel_id: &str) -> Result<Json<Value>, HubError> {
    let channel = state.channel(channel_id).ok_or_else(|| HubError::not_found(&[]))?;
    Ok(Json(channels::object(channel, state.client(&channel.client_id), channel.progress)))
}

/// Cancellation is requested.
pub(crate) fn schedule(platforms: &Platforms, state: &mut state::State, channel_id: &str) {
    let at = platforms.now() + Duration::milliseconds(state.behavior.cancelled_after_ms.into());
    change(platforms, state, channel_id, "cancellation_request", |channel| channel.terminated_at = Some(at));
    platforms.schedule(state, at, What::Cancel { channel_id: channel_id.to_owned() });
}

/// The request is taken back.
pub(crate) fn withdraw(platforms: &Platforms, state: &mut state::State, channel_id: &str) {
    change(platforms, state, channel_id, "cancellation_revoke", |channel| channel.terminated_at = None);
}

/// The channel ends, and its keys with it. Its number can be submitted anew.
pub(crate) fn process(platforms: &Platforms, state: &mut state::State, channel_id: &str, end: End) {
    api_keys::revoke(state, channel_id);
    state.message_webhooks.remove(channel_id);
    let now = platforms.now();
    change(platforms, state, channel_id, "cancellation_processed", |channel| {
        channel.terminated_at = Some(now);
        channel.ended = Some(end);
    });
}

fn change(
    platforms: &Platforms,
    state: &mut state::State,
    channel_id: &str,
    event: &str,
    how: impl FnOnce(&mut Channel),
) {
    let Some(channel) = state.channels.iter_mut().find(|channel| channel.id == channel_id) else { return };
    how(channel);
    channel.modified_at = platforms.now();
    let channel = channel.clone();
    webhooks::emit_channel(platforms, state, event, &channel, channel.progress);
}
