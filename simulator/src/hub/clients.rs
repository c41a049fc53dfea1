//! Client accounts.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query as Parameters, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use time::Duration;

use super::listing::Query;
use super::{HubError, fields, optional_text, required_text, timestamp};
use crate::lists::List;
use crate::platforms::{App, Platforms};
use crate::settings::EmailFilter;
use crate::state::Client;
use crate::webhooks;

/// E-mail domains that are refused. The real list is longer.
const RESTRICTED: [&str; 4] = ["mailinator.com", "guerrillamail.com", "10minutemail.com", "yopmail.com"];

/// Filters of the listing that name an e-mail.
const EMAIL_FILTERS: [&str; 2] = ["contact_info.email", "contact_user.email"];

/// The Hub's `PartnerClientsListFilterIn`.
const FILTERS: [&str; 21] = [
    "id",
    "name",
    "status",
    "organisation",
    "partner_payload",
    "meta_info.business_vertical",
    "meta_info.timezone",
    "meta_info.about",
    "meta_info.business_description",
    "meta_info.use_case",
    "contact_info.webpage_url",
    "contact_info.phone",
    "contact_info.language",
    "contact_info.country",
    "contact_info.street_name",
    "contact_info.city",
    "contact_info.email",
    "contact_info.zip_code",
    "contact_user.phone",
    "contact_user.email",
    "contact_user.name",
];

/// `POST …/account_sharing/clients`. Not idempotent: the same e-mail twice makes two clients.
pub(super) async fn create(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, HubError> {
    let fields = fields(&headers, &body)?;
    let name = required_text(&fields, "name")?;
    let email = required_text(&fields, "email")?;
    let user_name = optional_text(&fields, "user_name")?;
    let domain = match email.split_once('@') {
        Some((local, domain)) if !local.is_empty() && domain.contains('.') && !email.contains(' ') => domain,
        _ => return Err(HubError::wrong_payload("email: Not a valid email address.")),
    };
    if RESTRICTED.iter().any(|restricted| domain.eq_ignore_ascii_case(restricted)) {
        return Err(HubError::wrong_payload("email: This email domain is not allowed."));
    }
    let mut state = app.state();
    let client = new(&app, name, Some(email), user_name);
    state.clients.push(client.clone());
    webhooks::emit_client(&app, &mut state, &client);
    let created_at = timestamp(client.created_at);
    Ok(Json(json!({
        "id": client.id,
        "created_at": created_at,
        "created_by": author(&app),
        "modified_at": created_at,
        "modified_by": author(&app),
    })))
}

/// A client that is not in the state yet.
pub(crate) fn new(platforms: &Platforms, name: String, email: Option<String>, user_name: Option<String>) -> Client {
    let now = platforms.now();
    Client {
        id: format!("{}CL", platforms.random.text(6)),
        name,
        email,
        user_name,
        partner_payload: None,
        max_channels: 5,
        permission: false,
        created_at: now,
        modified_at: now,
    }
}

/// `GET …/clients`.
pub(super) async fn list(
    State(app): State<App>,
    Parameters(parameters): Parameters<HashMap<String, String>>,
) -> Result<Json<Value>, HubError> {
    let query = Query::read(&parameters, &FILTERS)?;
    let state = app.state();
    let lag = Duration::milliseconds(state.behavior.client_lag_ms.into());
    let shown = state.clients.iter().filter(|client| client.created_at + lag <= app.now());
    let items = shown.map(|client| object(&app, client)).collect();
    let ignored: &[&str] = match state.behavior.email_filter {
        EmailFilter::Honored => &[],
        EmailFilter::Ignored => &EMAIL_FILTERS,
    };
    query.answer(&state, (List::Clients, "clients"), items, ignored).map(Json)
}

/// `PATCH …/clients/{client_id}`: `{partner_payload, max_channels}`.
pub(super) async fn update(
    State(app): State<App>,
    Path((_, client_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, HubError> {
    let fields = fields(&headers, &body)?;
    let payload = optional_text(&fields, "partner_payload")?;
    let max_channels = match fields.get("max_channels").filter(|value| !value.is_null()) {
        None => None,
        Some(value) => match value.as_u64().and_then(|number| u32::try_from(number).ok()) {
            None => return Err(HubError::wrong_payload("max_channels: Not a valid integer.")),
            number => number,
        },
    };
    let now = app.now();
    let mut state = app.state();
    let client = state.clients.iter_mut().find(|client| client.id == client_id);
    let client = client.ok_or_else(|| HubError::not_found(&[]))?;
    client.partner_payload = payload.or(client.partner_payload.take());
    client.max_channels = max_channels.unwrap_or(client.max_channels);
    client.modified_at = now;
    Ok(Json(object(&app, client)))
}

/// The client as listed.
pub(crate) fn object(platforms: &Platforms, client: &Client) -> Value {
    json!({
        "id": client.id,
        "name": client.name,
        "status": "active",
        "max_channels": client.max_channels,
        "organisation": client.name,
        "meta_info": {
            "business_vertical": null, "timezone": null, "about": null, "business_description": null, "use_case": null,
        },
        "contact_info": contact_info(client),
        "contact_user": {"phone": null, "email": client.email, "name": client.user_name},
        "partner_payload": client.partner_payload,
        "suspicious": false,
        "created_at": timestamp(client.created_at),
        "created_by": author(platforms),
        "modified_at": timestamp(client.modified_at),
        "modified_by": {"user_id": "system", "user_name": "system"},
    })
}

/// The client as it stands inside channels and webhooks.
pub(crate) fn short(client: &Client) -> Value {
    json!({
        "id": client.id,
        "name": client.name,
        "partner_payload": client.partner_payload,
        "contact_info": contact_info(client),
    })
}

fn contact_info(client: &Client) -> Value {
    json!({
        "webpage_url": null, "phone": null, "language": null, "country": null, "street_name": null, "city": null,
        "email": client.email, "full_name": client.user_name, "zip_code": null,
    })
}

fn author(platforms: &Platforms) -> Value {
    json!({"user_id": "0aBcDe1", "user_name": platforms.settings.user_name})
}
