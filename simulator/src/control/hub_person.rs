//! Orders that a person carries out in the Hub's web interface: channels, keys, cancellations.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Refused, read};
use crate::hub::{api_keys, cancellation, channels, clients, numbers};
use crate::meta::accounts::Number;
use crate::platforms::App;
use crate::state::{self, End, Maker, Progress};
use crate::webhooks;

/// Body of `POST /simulator/channels`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewChannel {
    /// Whose number, as in the popup. Embedded Signup need not have been finished.
    account: String,
    /// One of the account's numbers; the first if not given.
    phone_number_id: Option<String>,
    /// A new client account, named as the business is, if not given.
    client_id: Option<String>,
    #[serde(default = "live")]
    stage: Progress,
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_at: Option<OffsetDateTime>,
    /// Whether it has a key, which somebody uses.
    #[serde(default)]
    key: bool,
    /// Whether webhooks tell of it.
    #[serde(default)]
    told: bool,
}

fn live() -> Progress {
    Progress::Live
}

/// A channel as it is made in the Hub, for any client account, whoever else has the number.
pub(super) async fn channel(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let order: NewChannel = read(&body)?;
    if order.key && order.stage < Progress::Running {
        return Err(Refused::unprocessable("key: only a channel that is running or live has one"));
    }
    let mut state = app.state();
    let wanted = |number: &Number| order.phone_number_id.as_ref().is_none_or(|id| *id == number.id);
    let wabas = state.account(&order.account).by_waba();
    let found = wabas
        .into_iter()
        .find_map(|account| Some((account.numbers.iter().find(|number| wanted(number))?.clone(), account)));
    let (number, account) = found.ok_or_else(|| not_found("no such number"))?;
    if let Some(id) = &order.client_id {
        state.client(id).ok_or_else(|| not_found("no such client"))?;
    }
    let client_id = order.client_id.unwrap_or_else(|| {
        let client = clients::new(&app, account.business_name.clone(), None, None);
        let id = client.id.clone();
        state.clients.push(client);
        id
    });
    let created_at = order.created_at.unwrap_or_else(|| app.now());
    let mut channel = numbers::new_channel(&app, &client_id, &account, &number, created_at);
    channel.reach(order.stage, created_at);
    state.channels.push(channel.clone());
    if order.told {
        for stage in Progress::ALL.into_iter().filter(|stage| *stage <= order.stage) {
            webhooks::emit_channel(&app, &mut state, stage.event(), &channel, stage);
        }
    }
    let key = order.key.then(|| api_keys::make(&app, &mut state, &channel.id, Maker::Hub));
    Ok(Json(json!({"channel": shown(&state, &channel), "key": key})))
}

/// Body of `POST /simulator/keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    channel_id: String,
}

/// A key made in the Hub. As any other, it revokes the older ones.
pub(super) async fn key(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let order: NewKey = read(&body)?;
    let mut state = app.state();
    let channel = state.channel(&order.channel_id).ok_or_else(|| not_found("no such channel"))?;
    if channel.progress < Progress::Running || !channel.is_open() {
        return Err(Refused(StatusCode::CONFLICT, "the channel is not running".to_owned()));
    }
    Ok(Json(api_keys::make(&app, &mut state, &order.channel_id, Maker::Hub)))
}

/// Body of `POST /simulator/cancellation`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancellation {
    channel_id: String,
    step: Step,
    /// What the Hub calls the channel after `processed`.
    #[serde(default)]
    hub_status: End,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Request,
    Revoke,
    /// At once, requested or not.
    Processed,
}

/// One step of a cancellation, with its webhook.
pub(super) async fn cancel(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let order: Cancellation = read(&body)?;
    let mut state = app.state();
    let channel = state.channel(&order.channel_id).ok_or_else(|| not_found("no such channel"))?;
    let requested = channel.terminated_at.is_some();
    match (order.step, channel.is_open()) {
        (Step::Request, true) if !requested => cancellation::schedule(&app, &mut state, &order.channel_id),
        (Step::Revoke, true) if requested => cancellation::withdraw(&app, &mut state, &order.channel_id),
        (Step::Processed, true) => cancellation::process(&app, &mut state, &order.channel_id, order.hub_status),
        _ => return Err(Refused(StatusCode::CONFLICT, "the channel is past this step, or not so far".to_owned())),
    }
    let channel = state.channel(&order.channel_id).ok_or_else(|| not_found("no such channel"))?;
    Ok(Json(json!({"channel": shown(&state, channel)})))
}

fn shown(state: &state::State, channel: &state::Channel) -> Value {
    channels::object(channel, state.client(&channel.client_id), channel.progress)
}

fn not_found(what: &str) -> Refused {
    Refused(StatusCode::NOT_FOUND, what.to_owned())
}
