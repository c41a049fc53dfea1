//! `GET /simulator/ledger`: what the fakes know and what happened.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::hub::{channels, clients};
use crate::platforms::App;
use crate::state;

pub(super) async fn show(State(app): State<App>) -> Json<Value> {
    let state = app.state();
    Json(json!({
        "clients": state.clients.iter().map(|client| clients::object(&app, client)).collect::<Vec<_>>(),
        "numbers": state.numbers,
        "channels": state.channels.iter().map(|channel| self::channel(&state, channel)).collect::<Vec<_>>(),
        "keys": state.keys.iter().map(|key| self::key(&state, key)).collect::<Vec<_>>(),
        "codes": state.codes.iter().map(|(code, issued)| self::code(code, issued)).collect::<Vec<_>>(),
        "message_webhooks": state.message_webhooks,
        "calls": state.ledger.calls,
        "webhooks": state.ledger.webhooks,
        "popups": state.ledger.popups,
    }))
}

/// The channel without any lag, its permission, and the id of the key that is valid now.
fn channel(state: &state::State, channel: &state::Channel) -> Value {
    let client = state.client(&channel.client_id);
    let mut object = channels::object(channel, client, channel.progress);
    let valid = state.keys.iter().find(|key| key.valid && key.channel_id == channel.id);
    object["stage"] = json!(channel.progress);
    object["permission"] = json!(channel.permission || client.is_some_and(|client| client.permission));
    object["valid_key_id"] = json!(valid.map(|key| &key.id));
    object
}

/// The key itself too: it is a fake, and tests compare it with what was stored.
fn key(state: &state::State, key: &state::Key) -> Value {
    let channel = state.channel(&key.channel_id);
    let mut object = json!(key);
    object["client_id"] = json!(channel.map(|channel| &channel.client_id));
    object["external_id"] = json!(channel.map(|channel| &channel.external_id));
    object["sha256"] = json!(hex::encode(Sha256::digest(&key.secret)));
    object
}

fn code(code: &str, issued: &state::Code) -> Value {
    let mut object = json!(issued);
    object["code"] = json!(code);
    object
}
