//! Who may call the Hub, and how often.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use time::Duration;

use super::HubError;
use crate::payload;
use crate::platforms::{App, Platforms};
use crate::state::Timestamp;

/// In a request's extensions: it is not counted towards the limit. For what [`crate::Settings::around`] has held back: it
/// came earlier.
#[derive(Clone, Copy)]
pub struct Uncounted;

/// Lets through who has accepted credentials for this partner, and not too often.
pub(super) async fn guard(
    State(app): State<App>,
    parameters: RawPathParams,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let partner = parameters.iter().find(|(name, _)| *name == "partner_id").map(|(_, value)| value);
    if partner != Some(app.settings.partner_id.as_str()) || !accepted(&app, &headers) {
        return HubError::new(StatusCode::UNAUTHORIZED, "Unauthorized", &[]).into_response();
    }
    if request.extensions().get::<Uncounted>().is_none() && !within_limit(&app) {
        return HubError::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests", &[]).into_response();
    }
    next.run(request).await
}

fn accepted(platforms: &Platforms, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(key) = text("x-api-key") {
        return key == platforms.settings.api_key;
    }
    let Some(token) = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer ")) else {
        return false;
    };
    let fetched = platforms.state().hub_tokens.get(token).is_some_and(|until| until.0 > platforms.now());
    token == platforms.settings.bearer_token || fetched
}

fn within_limit(platforms: &Platforms) -> bool {
    let now = platforms.now();
    let mut state = platforms.state();
    let Some(limit) = state.behavior.rate_limit else { return true };
    let window = Duration::milliseconds(limit.window_ms.into());
    state.hub_calls.retain(|at| *at + window > now);
    let within = state.hub_calls.len() < limit.calls;
    if within {
        state.hub_calls.push(now);
    }
    within
}

/// `POST /token`: `{username, password}` for a bearer token.
pub(super) async fn token(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let fields = payload::fields(&headers, &body).unwrap_or_default();
    let expected = (Some(app.settings.user_name.as_str()), Some(app.settings.password.as_str()));
    if (payload::text(&fields, "username"), payload::text(&fields, "password")) != expected {
        let error = json!({"error": "invalid_grant", "error_description": "Wrong email or password."});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    let token = format!("made-up.{}", app.random.text(40));
    let lifetime = app.settings.token_lifetime;
    app.state().hub_tokens.insert(token.clone(), Timestamp(app.now() + lifetime));
    Json(json!({
        "access_token": token,
        "refresh_token": format!("made-up-refresh.{}", app.random.text(24)),
        "token_type": "Bearer",
        "expires_in": lifetime.whole_seconds(),
    }))
    .into_response()
}
