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
        .layer(from_fn_with_state(app.clone(), layers::fault))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "Not found") })
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

/// The channel whose valid key was sent.
fn channel(platforms: &Platforms, headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("d360-api-key")?.to_str().ok()?;
    platforms.state().keys.iter().find(|key| key.valid && key.secret == sent).map(|key| key.channel_id.clone())
}

fn invalid_key() -> Answer {
    error(StatusCode::UNAUTHORIZED, "Invalid API key")
}

fn error(status: StatusCode, text: &str) -> Answer {
    (status, Json(json!({"error": text})))
}
