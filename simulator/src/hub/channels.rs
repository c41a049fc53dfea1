//! Channels: what the Hub makes of a number.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query as Parameters, State};
use serde_json::{Value, json};
use time::Duration;

use super::clients;
use super::listing::Query;
use super::{HubError, timestamp};
use crate::lists::List;
use crate::platforms::{App, Platforms};
use crate::random;
use crate::state::{self, Channel, Client, Progress};

/// Id of the 360dialog application that every channel belongs to.
pub(super) const APP_ID: &str = "8842AP";

/// Those of the Hub's filters whose fields this fake fills.
const FILTERS: [&str; 21] = [
    "id",
    "status",
    "client_id",
    "client.contact_info.email",
    "account_mode",
    "terminated_at",
    "current_limit",
    "current_quality_rating",
    "availability_status",
    "hub_status",
    "external_id",
    "created_at",
    "modified_at",
    "setup_info.phone_number",
    "setup_info.phone_name",
    "setup_info.was_in_use",
    "setup_info.verification_method",
    "setup_info.default_language",
    "waba_account.id",
    "waba_account.external_id",
    "waba_account.fb_account_status",
];

/// `GET …/channels`.
pub(super) async fn list(
    State(app): State<App>,
    Parameters(parameters): Parameters<HashMap<String, String>>,
) -> Result<Json<Value>, HubError> {
    let query = Query::read(&parameters, &FILTERS)?;
    let state = app.state();
    let items = state.channels.iter().map(|channel| listed(&app, &state, channel)).collect();
    query.answer(&state, (List::Channels, "partner_channels"), items, &[]).map(Json)
}

/// `GET …/channels/{channel_id}`.
pub(super) async fn show(
    State(app): State<App>,
    Path((_, channel_id)): Path<(String, String)>,
) -> Result<Json<Value>, HubError> {
    let state = app.state();
    let channel = state.channel(&channel_id).ok_or_else(|| HubError::not_found(&[]))?;
    Ok(Json(listed(&app, &state, channel)))
}

/// The channel as the listing shows it: with a lag set, number, name and limits appear one after the other.
fn listed(platforms: &Platforms, state: &state::State, channel: &Channel) -> Value {
    let mut object = object(channel, state.client(&channel.client_id), channel.progress);
    let lag = Duration::milliseconds(state.behavior.listing_lag_ms.into());
    let shown = |part: i32| channel.live_at.is_some_and(|live| live + lag * part / 3 <= platforms.now());
    if lag.is_zero() {
        return object;
    }
    for (part, pointer) in [
        (1, "/setup_info/phone_number"),
        (2, "/setup_info/phone_name"),
        (3, "/current_limit"),
        (3, "/current_quality_rating"),
    ] {
        if let Some(value) = object.pointer_mut(pointer)
            && !shown(part)
        {
            *value = if value.is_null() || part == 3 { Value::Null } else { json!("") };
        }
    }
    object
}

/// The channel as it is at this `progress`.
pub(crate) fn object(channel: &Channel, client: Option<&Client>, progress: Progress) -> Value {
    let after = |since: Progress, value: &str| if progress >= since { json!(value) } else { Value::Null };
    let status = match progress {
        Progress::Created => "created",
        Progress::Submitted => "unverified",
        Progress::Ready => "verified",
        Progress::Running | Progress::Live => "ready",
    };
    json!({
        "id": channel.id,
        "client_id": channel.client_id,
        "client": client.map(clients::short),
        "status": status,
        "hub_status": match (channel.ended, channel.terminated_at) {
            (Some(end), _) => json!(end),
            (None, Some(_)) => json!("pending_deletion"),
            (None, None) => after(Progress::Running, "live"),
        },
        "availability_status": after(Progress::Running, "ready"),
        "account_mode": if progress >= Progress::Running { "live" } else { "sandbox" },
        "created_at": timestamp(channel.created_at),
        "modified_at": timestamp(channel.modified_at),
        "billing_started_at": if progress >= Progress::Running { timestamp(channel.modified_at) } else { Value::Null },
        "terminated_at": channel.terminated_at.map(timestamp),
        "cancelled_at": channel.ended.and(channel.terminated_at).map(timestamp),
        "external_id": channel.external_id,
        "current_limit": after(Progress::Submitted, "TIER_250"),
        "current_quality_rating": after(Progress::Submitted, "GREEN"),
        "setup_info": {
            "phone_number": channel.phone_number,
            "phone_name": channel.phone_name,
            "was_in_use": false,
            "ivr": false,
            "verification_method": "sms",
            "certificate": null,
            "new_name_status": null,
            "default_language": "en",
            "has_integration_layer": true,
            "error": null,
            "configuration_type": null,
            "region": "europe",
            "shards_number": 1,
        },
        "waba_account": {
            "id": format!("{}WA", random::letters(&channel.waba_external_id, 6)),
            "external_id": channel.waba_external_id,
            "namespace": random::namespace(&channel.waba_external_id),
            "fb_business_id": channel.business_id,
            "fb_account_status": if progress == Progress::Created { "pending" } else { "not_verified" },
            "status": "approved",
            "on_behalf_of_business_info": {
                "id": channel.business_id, "name": channel.business_name, "status": "approved", "type": "SELF",
            },
        },
        "integration": {
            "enabled": progress >= Progress::Submitted,
            "app_id": after(Progress::Submitted, APP_ID),
            "state": after(Progress::Submitted, "running"),
        },
        "has_inbox": false,
        "is_oba": false,
        "is_on_biz_app": channel.on_biz_app,
    })
}

/// The flat shape of webhooks: number and name beside the id.
pub(crate) fn flat(channel: &Channel, client: Option<&Client>, progress: Progress) -> Value {
    let full = object(channel, client, progress);
    let member = |pointer: &str| full.pointer(pointer).cloned().unwrap_or_default();
    if progress == Progress::Live {
        return json!({
            "id": channel.id,
            "status": member("/status"),
            "account_mode": member("/account_mode"),
            "phone_number": channel.phone_number,
            "phone_name": channel.phone_name,
        });
    }
    json!({
        "id": channel.id,
        "client_id": channel.client_id,
        "client": {"id": channel.client_id, "name": client.map(|client| &client.name)},
        "phone_number": channel.phone_number,
        "phone_name": channel.phone_name,
        "created_at": member("/created_at"),
        "billing_started_at": member("/billing_started_at"),
        "fb_account_status": member("/waba_account/fb_account_status"),
        "status": member("/status"),
        "account_mode": member("/account_mode"),
    })
}
