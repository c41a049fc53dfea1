//! The fake Partner Hub, below `/hub/api/v2`.

pub(crate) mod api_keys;
mod auth;
pub(crate) mod cancellation;
pub(crate) mod channels;
pub(crate) mod clients;
mod listing;
pub(crate) mod numbers;
mod partner;

use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use auth::Uncounted;

use crate::layers;
use crate::platforms::App;

/// The Hub's routes.
pub(crate) fn router(app: &App) -> Router<App> {
    let fault = || from_fn_with_state(app.clone(), layers::fault);
    let control = |action: &str| format!("/clients/{{client_id}}/channels/{{channel_id}}/control/{action}");
    let partner = Router::new()
        .route("/", get(partner::show).patch(partner::update))
        .route("/webhook_url", get(partner::webhook_url).post(partner::set_webhook_url))
        .route("/account_sharing/clients", post(clients::create))
        .route("/account_sharing/numbers", post(numbers::submit))
        .route("/clients", get(clients::list))
        .route("/clients/{client_id}", patch(clients::update))
        .route("/channels", get(channels::list))
        .route("/channels/{channel_id}", get(channels::show))
        .route("/channels/{channel_id}/api_keys", get(api_keys::list).post(api_keys::create).delete(api_keys::delete))
        .route(&control("cancellation_request"), post(cancellation::request))
        .route(&control("reactivate"), post(cancellation::revoke))
        .layer(fault())
        .layer(from_fn_with_state(app.clone(), auth::guard));
    Router::new()
        .route("/token", post(auth::token))
        .layer(fault())
        .nest("/partners/{partner_id}", partner)
        .fallback(|| async { HubError::not_found(&[]) })
        .method_not_allowed_fallback(|| async {
            HubError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", &[])
        })
}

/// An error as the Hub puts it: `{"meta": {"success", "http_code", "developer_message", "details"?, "error_data"?}}`.
pub(crate) struct HubError {
    status: StatusCode,
    message: &'static str,
    details: Vec<String>,
    /// Meta's message, where the Hub passes one on.
    real_message: Option<&'static str>,
}

impl HubError {
    fn new(status: StatusCode, message: &'static str, details: &[&str]) -> Self {
        let details = details.iter().map(|&detail| detail.to_owned()).collect();
        Self { status, message, details, real_message: None }
    }

    fn wrong_payload(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Wrong payload", &[detail])
    }

    fn client_error(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Client error", &[detail])
    }

    fn not_found(details: &[&str]) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", details)
    }
}

impl IntoResponse for HubError {
    fn into_response(self) -> Response {
        let mut meta = Map::new();
        meta.insert("success".to_owned(), json!(false));
        meta.insert("http_code".to_owned(), json!(self.status.as_u16()));
        meta.insert("developer_message".to_owned(), json!(self.message));
        if !self.details.is_empty() || self.real_message.is_some() {
            meta.insert("details".to_owned(), json!(self.details));
        }
        if let Some(real) = self.real_message {
            let data = json!({
                "code": "100", "message": "Invalid parameter", "real_message": real, "status": self.status.as_u16(),
            });
            meta.insert("error_data".to_owned(), data);
        }
        (self.status, Json(json!({"meta": meta}))).into_response()
    }
}

/// The Hub's way to write a time: ISO 8601, UTC, whole seconds.
fn timestamp(at: OffsetDateTime) -> Value {
    let whole = at.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(at);
    whole.format(&Rfc3339).map_or(Value::Null, Value::String)
}

/// Reads a body, which must be an object.
fn fields(headers: &axum::http::HeaderMap, body: &[u8]) -> Result<Map<String, Value>, HubError> {
    crate::payload::fields(headers, body).ok_or_else(|| HubError::wrong_payload("Neither a JSON object nor a form."))
}

/// A member that may be absent or `null` but must otherwise be a text.
fn optional_text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, HubError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(HubError::wrong_payload(&format!("{name}: Not a valid string."))),
    }
}

/// A member that must be a text with something in it.
fn required_text(fields: &Map<String, Value>, name: &str) -> Result<String, HubError> {
    optional_text(fields, name)?
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| HubError::wrong_payload(&format!("{name}: Missing data for required field.")))
}
