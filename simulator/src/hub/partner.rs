//! The partner itself: where its webhooks and its clients go.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{HubError, fields, optional_text, required_text};
use crate::outbound::local_url;
use crate::platforms::{App, Platforms};
use crate::state;

/// `GET /partners/{partner_id}`.
pub(super) async fn show(State(app): State<App>) -> Json<Value> {
    Json(object(&app, &app.state()))
}

/// `PATCH /partners/{partner_id}`: `{webhook_url?, partner_redirect_url?}`.
pub(super) async fn update(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, HubError> {
    let fields = fields(&headers, &body)?;
    let redirect_url = optional_text(&fields, "partner_redirect_url")?;
    let webhook_url = if fields.contains_key("webhook_url") { Some(webhook(&fields)?) } else { None };
    let mut state = app.state();
    state.webhook_url = webhook_url.or(state.webhook_url.take());
    state.redirect_url = redirect_url.or(state.redirect_url.take());
    Ok(Json(object(&app, &state)))
}

/// `GET /partners/{partner_id}/webhook_url`.
pub(super) async fn webhook_url(State(app): State<App>) -> Json<Value> {
    Json(json!({"webhook_url": app.state().webhook_url}))
}

/// `POST /partners/{partner_id}/webhook_url`: `{webhook_url}`. Overwrites.
pub(super) async fn set_webhook_url(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, HubError> {
    let url = webhook(&fields(&headers, &body)?)?;
    app.state().webhook_url = Some(url.clone());
    Ok(Json(json!({"webhook_url": url})))
}

fn webhook(fields: &Map<String, Value>) -> Result<String, HubError> {
    let url = required_text(fields, "webhook_url")?;
    local_url(&url).map_err(|problem| HubError::wrong_payload(&format!("webhook_url: {problem}")))?;
    Ok(url)
}

fn object(platforms: &Platforms, state: &state::State) -> Value {
    json!({
        "id": platforms.settings.partner_id,
        "brand_name": "Funkturm CRM",
        "country": "DE",
        "logo_url": null,
        "webhook_url": state.webhook_url,
        "partner_redirect_url": state.redirect_url,
        "payment_required": false,
        "payment_plan": null,
        "onboarding_deeplink_add_params": false,
        "blocked_new_submission": false,
        "allow_client_to_add_phone_no": true,
    })
}
