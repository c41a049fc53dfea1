//! The client account at 360dialog, and the search for it.

use exchange::ClientId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The client account at 360dialog, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ClientAccount {
    /// To be found by e-mail, or else created.
    Wanted {
        /// What it is looked up by and created from.
        details: ClientDetails,
        /// How far the search has come.
        search: ClientSearch,
    },
    /// Found, created, or named by the partner at the start.
    Known {
        /// 360dialog's id.
        id: ClientId,
        /// What it was looked up by; absent where the partner named the id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<ClientDetails>,
    },
}

/// Name and address of a client account (`POST …/account_sharing/clients`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDetails {
    /// The customer's organization.
    pub name: String,
    /// E-mail address of the client user. Client accounts are told apart by it.
    pub email: String,
    /// Name of the client user.
    pub user_name: String,
}

/// How far the search for a client account has come. Kept, so that no Hub call is made twice after an interruption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ClientSearch {
    /// No page read yet, or the account may have been created without our hearing of it: search from the start.
    #[default]
    Open,
    /// Pages of all accounts before this offset hold no match.
    Reading {
        /// Number of client accounts to skip.
        offset: u32,
        /// When the first page was read.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        began_at: Option<OffsetDateTime>,
    },
    /// The newest accounts hold no match, nor do the pages before this offset of those that the Hub's filter finds.
    Filtering {
        /// Number of client accounts to skip.
        offset: u32,
        /// When the first page was read, without the filter.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        began_at: Option<OffsetDateTime>,
    },
    /// No page holds a match: the account may be created now.
    Absent {
        /// When the first page was read: an account that appeared later may have been missed.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        at: Option<OffsetDateTime>,
    },
}
