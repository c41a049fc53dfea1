//! API keys of a channel. A new one revokes the others and is shown once.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::HubError;
use super::channels::APP_ID;
use crate::platforms::{App, Platforms};
use crate::settings::Payment;
use crate::state::{self, Key, Maker, Progress};

/// `POST …/channels/{channel_id}/api_keys`.
pub(super) async fn create(
    State(app): State<App>,
    Path((_, channel_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), HubError> {
    let mut state = app.state();
    let channel = state.channel(&channel_id).ok_or_else(|| HubError::not_found(&[]))?;
    if channel.progress < Progress::Running || !channel.is_open() {
        return Err(HubError::client_error("Channel is not running"));
    }
    let granted = channel.permission || state.client(&channel.client_id).is_some_and(|client| client.permission);
    if state.behavior.payment == Payment::Direct && !granted {
        let detail = "Client has not granted API key permission for this channel";
        return Err(HubError::new(StatusCode::FORBIDDEN, "Forbidden", &[detail]));
    }
    let mut answer = make(&app, &mut state, &channel_id, Maker::Partner);
    answer["address"] = json!(app.messaging_url_for(&headers));
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Makes a key, which revokes the older ones, and returns it as the Hub shows it once.
pub(crate) fn make(platforms: &Platforms, state: &mut state::State, channel_id: &str, made_by: Maker) -> Value {
    revoke(state, channel_id);
    let key = Key {
        id: format!("{}AK", platforms.random.text(6)),
        channel_id: channel_id.to_owned(),
        secret: format!("{}_AK", platforms.random.text(32)),
        valid: true,
        made_by,
        created_at: platforms.now(),
    };
    let address = platforms.messaging_url();
    let shown = json!({"id": key.id, "address": address, "api_key": key.secret, "app_id": APP_ID});
    state.keys.push(key);
    shown
}

/// `GET …/channels/{channel_id}/api_keys`: the valid one, without the key itself.
pub(super) async fn list(
    State(app): State<App>,
    Path((_, channel_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, HubError> {
    let state = app.state();
    state.channel(&channel_id).ok_or_else(|| HubError::not_found(&[]))?;
    let keys = state.keys.iter().filter(|key| key.channel_id == channel_id && key.valid);
    let address = app.messaging_url_for(&headers);
    let keys: Vec<Value> = keys.map(|key| json!({"id": key.id, "address": address, "app_id": APP_ID})).collect();
    Ok(Json(json!({"api_keys": keys})))
}

/// `DELETE …/channels/{channel_id}/api_keys`.
pub(super) async fn delete(
    State(app): State<App>,
    Path((_, channel_id)): Path<(String, String)>,
) -> Result<StatusCode, HubError> {
    let mut state = app.state();
    state.channel(&channel_id).ok_or_else(|| HubError::not_found(&[]))?;
    revoke(&mut state, &channel_id);
    Ok(StatusCode::NO_CONTENT)
}

/// Voids all keys of a channel.
pub(super) fn revoke(state: &mut state::State, channel_id: &str) {
    for key in state.keys.iter_mut().filter(|key| key.channel_id == channel_id) {
        key.valid = false;
    }
}
