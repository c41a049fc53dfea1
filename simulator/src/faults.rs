//! Faults to order: what they are, which are refused, and which is played next.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::routes::ROUTES;
use crate::settings::{Shape, Signature};
use crate::state::State;
use crate::webhooks::{EVENTS, EVENTS_OF_THE_END};

/// One order: what goes wrong at `route`, the next `times` times.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) route: String,
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// Calls: the status to answer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Calls: do what was asked, then play the fault.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) after_effect: bool,
    /// Calls: close the connection without an answer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) drop: bool,
    /// Calls and webhooks: wait first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u32>,
    /// Calls: the body to answer with; a text goes out as it is, anything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Calls: headers that replace those of the answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// Calls: how many bytes of the body are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cut_after: Option<u32>,
    /// Webhooks: how many times the same event is sent; 1 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) copies: Option<u32>,
    /// `webhook.channel_live`: how many of the copies come before the number call is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) early: Option<u32>,
    /// Webhooks: never send it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) lose: bool,
    /// Webhooks: how it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<Signature>,
    /// Webhooks: its shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shape: Option<Shape>,
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Every route that a fault can name.
pub(crate) fn known_routes() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for route in ROUTES {
        if !names.iter().any(|name| name == route.name) {
            names.push(route.name.to_owned());
        }
    }
    names.push("webhook".to_owned());
    names.extend(EVENTS.iter().chain(&EVENTS_OF_THE_END).map(|event| format!("webhook.{event}")));
    names
}

impl Fault {
    /// Why this order makes no sense, if it does not.
    pub(crate) fn problem(&self) -> Option<String> {
        let known = known_routes();
        if !known.contains(&self.route) {
            return Some(format!("unknown route `{}`, expected one of {}", self.route, known.join(", ")));
        }
        let webhook = self.route.starts_with("webhook") && !ROUTES.iter().any(|route| route.name == self.route);
        let altered = !self.headers.is_empty() || self.cut_after.is_some();
        let for_calls = self.status.is_some() || self.after_effect || self.drop || self.body.is_some() || altered;
        let for_webhooks = self.copies.is_some()
            || self.early.is_some()
            || self.lose
            || self.signature.is_some()
            || self.shape.is_some();
        let problem = if self.times == 0 {
            "times: must be at least 1"
        } else if webhook && for_calls {
            "status, after_effect, drop, body, headers and cut_after are for calls, not for webhooks"
        } else if !webhook && for_webhooks {
            "copies, early, lose, signature and shape are for webhooks, not for calls"
        } else if !for_calls && !for_webhooks && self.delay_ms.is_none() {
            "says nothing that goes wrong"
        } else if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            "status: must be between 200 and 599"
        } else if self.drop && (self.status.is_some() || self.body.is_some() || altered) {
            "drop: a closed connection has no status, no headers and no body"
        } else if !self.headers.iter().all(|(name, value)| sendable(name, value)) {
            "headers: not a header, or one that frames the body"
        } else if self.copies == Some(0) {
            "copies: must be at least 1; lose sends none"
        } else if self.lose && (self.copies.is_some() || self.early.is_some()) {
            "lose: what is lost has no copies"
        } else if self.early.is_some() && self.route != "webhook.channel_live" {
            "early: only webhook.channel_live can come early"
        } else if self.early.is_some_and(|early| early == 0 || early > self.copies.unwrap_or(1)) {
            "early: must be at least 1 and at most copies"
        } else {
            return None;
        };
        Some(problem.to_owned())
    }

    /// In a few words, for the ledger.
    pub(crate) fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some(delay) = self.delay_ms {
            words.push(format!("delay {delay} ms"));
        }
        if self.drop {
            words.push("drop".to_owned());
        }
        if let Some(status) = self.status {
            words.push(format!("status {status}"));
        }
        if self.body.is_some() {
            words.push("body".to_owned());
        }
        if !self.headers.is_empty() {
            words.push("headers".to_owned());
        }
        if let Some(length) = self.cut_after {
            words.push(format!("cut after {length} bytes"));
        }
        if self.after_effect {
            words.push("after effect".to_owned());
        }
        words.join(", ")
    }
}

/// `content-length` and `transfer-encoding` are hyper's, which would send no answer at all.
fn sendable(name: &str, value: &str) -> bool {
    let name = HeaderName::try_from(name);
    name.is_ok_and(|name| !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection"))
        && HeaderValue::try_from(value).is_ok()
}

/// The next fault for a call to `route`, if one is ordered.
pub(crate) fn take(state: &mut State, route: &str) -> Option<Fault> {
    take_first(state, |fault| fault.route == route)
}

/// The next fault for a webhook. One for its event goes before one for every webhook. An early one has its own time.
pub(crate) fn take_webhook(state: &mut State, event: &str) -> Option<Fault> {
    let route = format!("webhook.{event}");
    take_first(state, |fault| fault.route == route && fault.early.is_none())
        .or_else(|| take_first(state, |fault| fault.route == "webhook"))
}

/// The next `channel_live` that is to come early.
pub(crate) fn take_early(state: &mut State) -> Option<Fault> {
    take_first(state, |fault| fault.early.is_some())
}

fn take_first(state: &mut State, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
    let position = state.faults.iter().position(wanted)?;
    let fault = state.faults.get_mut(position)?;
    fault.times -= 1;
    let taken = fault.clone();
    if taken.times == 0 {
        state.faults.remove(position);
    }
    Some(taken)
}
