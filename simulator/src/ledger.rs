//! What happened: every call made to the simulator, every webhook it sent, every popup it played.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Kept in the order in which things ended.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) calls: Vec<Call>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) popups: Vec<Popup>,
}

/// A call made to the Hub, the Graph API, the messaging API or the JavaScript SDK.
#[derive(Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) service: String,
    /// The name that faults use; `unknown` for a path that does not exist.
    pub(crate) route: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// `None` if the connection was closed without an answer.
    pub(crate) status: Option<u16>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// The fault that was played, in a few words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) fault: Option<String>,
}

/// One attempt to deliver one webhook.
#[derive(Serialize, Deserialize)]
pub(crate) struct Webhook {
    /// `360dialog` or `meta`.
    pub(crate) sender: String,
    pub(crate) event: String,
    pub(crate) id: Option<String>,
    pub(crate) channel_id: Option<String>,
    /// What the receiver answered.
    pub(crate) status: Option<u16>,
    /// Why there is no status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) error: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// Counts from 1.
    #[serde(rename = "try")]
    pub(crate) attempt: u32,
}

/// One customer who went through the popup or the full-page sign-in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Popup {
    pub(crate) account: String,
    pub(crate) outcome: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}
