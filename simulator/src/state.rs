//! What the fake services know. Everything but orders and behavior can be saved and loaded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::due::Effect;
use crate::faults::Fault;
use crate::ledger::Ledger;
use crate::lists::Disturbance;
use crate::meta::accounts::Account;
use crate::settings::Behavior;

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) webhook_url: Option<String>,
    pub(crate) redirect_url: Option<String>,
    pub(crate) clients: Vec<Client>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) keys: Vec<Key>,
    pub(crate) numbers: Vec<Submission>,
    /// Tokens of `POST /token` and when they end.
    pub(crate) hub_tokens: BTreeMap<String, Timestamp>,
    /// The message webhook of each channel that has one.
    pub(crate) message_webhooks: BTreeMap<String, Value>,
    /// By name. Only customers who opened the popup, and those they pretend to be.
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) fresh_accounts: u32,
    pub(crate) codes: BTreeMap<String, Code>,
    /// Business tokens and the account whose assets each covers.
    pub(crate) business_tokens: BTreeMap<String, String>,
    /// The Meta webhook address that answered the handshake.
    pub(crate) verified_meta_url: Option<String>,
    /// What is still to happen.
    pub(crate) effects: Vec<Effect>,
    pub(crate) ledger: Ledger,
    /// Times of the Hub calls in the rate window.
    #[serde(skip)]
    pub(crate) hub_calls: Vec<OffsetDateTime>,
    #[serde(skip)]
    pub(crate) faults: Vec<Fault>,
    #[serde(skip)]
    pub(crate) lists: Vec<Disturbance>,
    #[serde(skip)]
    pub(crate) behavior: Behavior,
}

/// A time that maps can hold.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Timestamp(#[serde(with = "time::serde::rfc3339")] pub(crate) OffsetDateTime);

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) user_name: Option<String>,
    pub(crate) partner_payload: Option<String>,
    pub(crate) max_channels: u32,
    pub(crate) permission: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) modified_at: OffsetDateTime,
}

/// One accepted `POST …/account_sharing/numbers`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Submission {
    pub(crate) solution_id: String,
    pub(crate) client_id: String,
    pub(crate) waba_external_id: String,
    pub(crate) channel_external_id: Option<String>,
    pub(crate) tier: Option<String>,
    /// Channels that this call created; none when it was a repetition.
    pub(crate) channel_ids: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

/// How far a channel is on its way to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    Created,
    Submitted,
    Ready,
    Running,
    Live,
}

impl Progress {
    pub(crate) const ALL: [Self; 5] = [Self::Created, Self::Submitted, Self::Ready, Self::Running, Self::Live];

    /// The webhook event that tells of it.
    pub(crate) const fn event(self) -> &'static str {
        match self {
            Self::Created => "channel_created",
            Self::Submitted => "channel_submitted",
            Self::Ready => "channel_ready",
            Self::Running => "channel_running",
            Self::Live => "channel_live",
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) waba_external_id: String,
    pub(crate) business_id: String,
    pub(crate) business_name: String,
    /// Meta's phone number id.
    pub(crate) external_id: String,
    /// Digits without `+`.
    pub(crate) phone_number: String,
    pub(crate) phone_name: String,
    pub(crate) on_biz_app: bool,
    pub(crate) permission: bool,
    pub(crate) progress: Progress,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) modified_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) live_at: Option<OffsetDateTime>,
    /// When it ends: its cancellation was requested.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) terminated_at: Option<OffsetDateTime>,
    /// Its cancellation was processed.
    pub(crate) ended: Option<End>,
}

/// What the Hub calls a channel that ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    #[default]
    Terminated,
    Cancelled,
    Deleted,
}

impl Channel {
    /// Whether it holds the number.
    pub(crate) fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Moves on to `progress`; never back.
    pub(crate) fn reach(&mut self, progress: Progress, now: OffsetDateTime) {
        if progress > self.progress {
            self.progress = progress;
            self.modified_at = now;
        }
        if progress == Progress::Live {
            self.live_at.get_or_insert(now);
        }
    }
}

/// One API key ever made.
#[derive(Serialize, Deserialize)]
pub(crate) struct Key {
    #[serde(rename = "key_id")]
    pub(crate) id: String,
    pub(crate) channel_id: String,
    #[serde(rename = "api_key")]
    pub(crate) secret: String,
    /// False once a newer key of the channel was made, or it was deleted.
    pub(crate) valid: bool,
    pub(crate) made_by: Maker,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

/// Who made a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Maker {
    /// The partner, by the API.
    Partner,
    /// Somebody in the Hub's web interface.
    Hub,
}

/// One code of Meta's popup or full-page sign-in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) account: String,
    /// Set for a code of the full-page sign-in, which must be exchanged with the same one.
    pub(crate) redirect_uri: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) issued_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) exchanged_at: Option<OffsetDateTime>,
}

impl State {
    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub(crate) fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// The account with this name, made the first time it is asked for.
    pub(crate) fn account(&mut self, name: &str) -> &mut Account {
        self.accounts.entry(name.to_owned()).or_insert_with(|| Account::named(name))
    }
}
