//! Orders to send a webhook now and tell what was answered.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refused, read};
use crate::half_surrogates;
use crate::ledger;
use crate::meta;
use crate::outbound::Answer;
use crate::platforms::App;
use crate::settings::Signature;
use crate::webhooks;

/// Body of `POST /simulator/webhook`: the event (an object or an array, sent as JSON) or the exact body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    event: Option<Value>,
    body: Option<String>,
    signature: Option<Signature>,
}

pub(super) async fn webhook(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let order: Webhook = read(&body)?;
    let member = |name| order.event.as_ref().and_then(|event| event.get(name)?.as_str()).map(str::to_owned);
    let (event, id) = (member("event").unwrap_or_else(|| "ordered".to_owned()), member("id"));
    let channel_id = order.event.as_ref().and_then(|event| event.pointer("/data/id")?.as_str()).map(str::to_owned);
    let text = match (&order.event, order.body) {
        (Some(event), None) => half_surrogates::sent(&event.to_string()),
        (None, Some(body)) => body,
        _ => return Err(Refused::unprocessable("one of event and body must be given")),
    };
    let url = app.state().webhook_url.clone();
    let url = url.ok_or_else(|| Refused(StatusCode::CONFLICT, "no webhook URL is set".to_owned()))?;
    let answer = webhooks::post(&app, &url, &text, order.signature.unwrap_or(Signature::Good)).await;
    app.state().ledger.webhooks.push(ledger::Webhook {
        sender: "360dialog".to_owned(),
        event,
        id,
        channel_id,
        status: answer.as_ref().ok().map(|answer| answer.status),
        error: answer.as_ref().err().cloned(),
        at: app.now(),
        attempt: 1,
    });
    told(answer)
}

pub(super) async fn account_update(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let update: meta::AccountUpdate = read(&body)?;
    send_for_meta(&app, &update.into()).await
}

pub(super) async fn meta_webhook(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    send_for_meta(&app, &read(&body)?).await
}

async fn send_for_meta(app: &App, order: &meta::Order) -> Result<Json<Value>, Refused> {
    if let Some(problem) = order.problem() {
        return Err(Refused::unprocessable(problem));
    }
    told(meta::send(app, order).await)
}

fn told(answer: Result<Answer, String>) -> Result<Json<Value>, Refused> {
    match answer {
        Ok(answer) => Ok(Json(json!({"status": answer.status, "body": answer.body}))),
        Err(error) => Err(Refused(StatusCode::BAD_GATEWAY, error)),
    }
}
