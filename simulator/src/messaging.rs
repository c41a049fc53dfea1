//! The fake messaging API, whose address is handed out with every key.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use url::Url;

use crate::layers;
use crate::payload;
use crate::platforms::{App, Platforms};

type Answer = (StatusCode, Json<Value>);

/// The messaging API's routes.
pub(crate) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/v1/configs/webhook", get(show).post(set))
        .route("/health_status", get(health_status))
        .layer(from_fn_with_state(app.clone(), layers::fault))
        .fallback(|| async { not_found() })
}

/// `POST /v1/configs/webhook`: `{url, headers?}`.
async fn set(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Answer {
    let Some(channel_id) = channel(&app, &headers) else { return invalid_key() };
    let fields = payload::fields(&headers, &body).unwrap_or_default();
    let Some(url) = payload::text(&fields, "url").filter(|url| Url::parse(url).is_ok()) else {
        return error(StatusCode::BAD_REQUEST, "url: not a URL");
    };
    let own = fields.get("headers").cloned().unwrap_or_else(|| json!({}));
    if !own.as_object().is_some_and(|own| own.values().all(Value::is_string)) {
        return error(StatusCode::BAD_REQUEST, "headers: not an object of texts");
    }
    let webhook = json!({"url": url, "headers": own});
    app.state().message_webhooks.insert(channel_id, webhook.clone());
    (StatusCode::OK, Json(webhook))
}

/// `GET /v1/configs/webhook`.
async fn show(State(app): State<App>, headers: HeaderMap) -> Answer {
    let Some(channel_id) = channel(&app, &headers) else { return invalid_key() };
    let webhook = app.state().message_webhooks.get(&channel_id).cloned();
    (StatusCode::OK, Json(webhook.unwrap_or_else(|| json!({"url": null, "headers": {}}))))
}

/// `GET /health_status`: which number the key is for, and whether it can send.
async fn health_status(State(app): State<App>, headers: HeaderMap) -> Answer {
    if !app.state().behavior.health_status {
        return not_found();
    }
    let Some(channel_id) = channel(&app, &headers) else { return invalid_key() };
    let state = app.state();
    let Some(channel) = state.channel(&channel_id) else { return invalid_key() };
    let can = &state.behavior.can_send_message;
    let mut number = json!({"entity_type": "PHONE_NUMBER", "id": channel.external_id, "can_send_message": can});
    match can.as_str() {
        "BLOCKED" => {
            number["errors"] = json!([{
                "error_code": 141_000,
                "error_description": "The phone number is not registered.",
                "possible_solution": "Register the phone number.",
            }]);
        }
        "LIMITED" => number["additional_info"] = json!(["Your display name has not been approved yet."]),
        _ => {}
    }
    let other = |kind: &str, id: &str| json!({"entity_type": kind, "id": id, "can_send_message": "AVAILABLE"});
    let entities = json!([
        number,
        other("WABA", &channel.waba_external_id),
        other("BUSINESS", &channel.business_id),
        other("APP", &app.settings.app_id),
    ]);
    let health = json!({"can_send_message": can, "entities": entities});
    (StatusCode::OK, Json(json!({"health_status": health, "id": channel.external_id})))
}

/// The channel whose valid key was sent.
fn channel(platforms: &Platforms, headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("d360-api-key")?.to_str().ok()?;
    platforms.state().keys.iter().find(|key| key.valid && key.secret == sent).map(|key| key.channel_id.clone())
}

fn not_found() -> Answer {
    error(StatusCode::NOT_FOUND, "Not found")
}

fn invalid_key() -> Answer {
    error(StatusCode::UNAUTHORIZED, "Invalid API key")
}

fn error(status: StatusCode, text: &str) -> Answer {
    (status, Json(json!({"error": text})))
}
