//! Orders that change how the fakes behave: settings and permission.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, read};
use crate::outbound::local_url;
use crate::platforms::App;
use crate::settings::{EmailFilter, NumberTaken, Payment, RateLimit, Shape, Signature};
use crate::state;
use crate::webhooks;

/// Body of `POST /simulator/settings`: what is not named stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    payment: Option<Payment>,
    live_after_ms: Option<u32>,
    number_taken: Option<NumberTaken>,
    cancelled_after_ms: Option<u32>,
    listing_lag_ms: Option<u32>,
    client_lag_ms: Option<u32>,
    /// `null` switches the limit off.
    #[serde(default)]
    rate_limit: LimitChange,
    webhook_shape: Option<Shape>,
    webhook_signature: Option<Signature>,
    email_filter: Option<EmailFilter>,
    health_status: Option<bool>,
    can_send_message: Option<String>,
    repeat_code: Option<bool>,
    separate_windows: Option<bool>,
    solution_status: Option<String>,
    webhook_url: Option<String>,
}

/// Tells `null` from absent.
#[derive(Default, Deserialize)]
#[serde(from = "Option<RateLimit>")]
enum LimitChange {
    #[default]
    Unchanged,
    To(Option<RateLimit>),
}

impl From<Option<RateLimit>> for LimitChange {
    fn from(limit: Option<RateLimit>) -> Self {
        Self::To(limit)
    }
}

/// `GET /simulator/settings`.
pub(super) async fn show(State(app): State<App>) -> Json<Value> {
    Json(view(&app.state()))
}

/// `POST /simulator/settings`.
pub(super) async fn apply(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let change: Change = read(&body)?;
    if let Some(url) = &change.webhook_url {
        local_url(url).map_err(|problem| Refused::unprocessable(format!("webhook_url: {problem}")))?;
    }
    let mut state = app.state();
    let behavior = &mut state.behavior;
    set(&mut behavior.payment, change.payment);
    set(&mut behavior.live_after_ms, change.live_after_ms);
    set(&mut behavior.number_taken, change.number_taken);
    set(&mut behavior.cancelled_after_ms, change.cancelled_after_ms);
    set(&mut behavior.listing_lag_ms, change.listing_lag_ms);
    set(&mut behavior.client_lag_ms, change.client_lag_ms);
    if let LimitChange::To(limit) = change.rate_limit {
        behavior.rate_limit = limit;
    }
    set(&mut behavior.webhook_shape, change.webhook_shape);
    set(&mut behavior.webhook_signature, change.webhook_signature);
    set(&mut behavior.email_filter, change.email_filter);
    set(&mut behavior.health_status, change.health_status);
    set(&mut behavior.can_send_message, change.can_send_message);
    set(&mut behavior.repeat_code, change.repeat_code);
    set(&mut behavior.separate_windows, change.separate_windows);
    set(&mut behavior.solution_status, change.solution_status);
    if change.webhook_url.is_some() {
        state.webhook_url = change.webhook_url;
    }
    Ok(Json(view(&state)))
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn view(state: &state::State) -> Value {
    let mut view = json!(state.behavior);
    view["webhook_url"] = json!(state.webhook_url);
    view
}

/// Body of `POST /simulator/permission`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permission {
    channel_id: Option<String>,
    client_id: Option<String>,
    granted: bool,
    /// Whether a webhook tells of it; if not given, one tells of a grant.
    told: Option<bool>,
}

/// The client grants or takes back API-key permission, for one channel or for all it has and will have.
pub(super) async fn permission(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let order: Permission = read(&body)?;
    let not_found = || Refused(StatusCode::NOT_FOUND, "no such channel or client".to_owned());
    let mut state = app.state();
    match (&order.channel_id, &order.client_id) {
        (Some(id), None) => {
            state.channel(id).ok_or_else(not_found)?;
        }
        (None, Some(id)) => {
            let client = state.clients.iter_mut().find(|client| client.id == *id).ok_or_else(not_found)?;
            client.permission = order.granted;
        }
        _ => return Err(Refused::unprocessable("one of channel_id and client_id must be given")),
    }
    let meant = |channel: &state::Channel| {
        order.channel_id.as_ref() == Some(&channel.id) || order.client_id.as_ref() == Some(&channel.client_id)
    };
    let mut granted = Vec::new();
    for channel in state.channels.iter_mut().filter(|channel| meant(channel)) {
        channel.permission = order.granted;
        granted.push(channel.clone());
    }
    // An event for a permission taken back is in no public source, so it is sent on order only.
    let event = if order.granted { "channel_permission_granted" } else { "channel_permission_revoked" };
    if order.told.unwrap_or(order.granted) {
        for channel in &granted {
            webhooks::emit_channel(&app, &mut state, event, channel, channel.progress);
        }
    }
    Ok(Json(json!({"channel_ids": granted.iter().map(|channel| &channel.id).collect::<Vec<_>>()})))
}
