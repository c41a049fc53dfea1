//! Who asked for what cannot be undone, for the history.

use serde::{Deserialize, Serialize};

/// With which token somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestToken {
    /// That of the partner's server.
    BackEnd,
}

/// Who asked, and from where. The time is that of the history's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// With which token.
    pub token: RequestToken,
    /// The address that the request came from, as API Gateway saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The request's id, by which its lines in the log are found.
    pub request_id: String,
}
