//! The API key of a channel: where it is kept, how another one takes its place, and when it is deleted.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::record::Onboarding;
use super::requester::Requester;
use super::status::Status;

/// Where the API key is kept. The key itself is in the vault only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// ARN of the secret.
    pub secret_arn: String,
    /// The Hub's id of the key, where it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The vault's id of this version of the secret, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Base address of the messaging API for this key.
    pub address: String,
}

/// A new key that the partner asked for, in place of the present one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRotation {
    /// When it was asked for. A key in the vault that is older is not the new one.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// By whom.
    pub by: Requester,
    /// The new key is in the vault, and the old one revoked. It has not been used yet.
    pub key_stored: bool,
}

impl Onboarding {
    /// Whether the vault may hold a key of its channel, or of a channel before that one. Deleting the record would leave a
    /// secret of which nobody knows.
    pub fn may_leave_a_key(&self) -> bool {
        // A key that the messaging API refused is taken out of the record by the partner's retry, and stays in the vault.
        self.key_deleted_at.is_none()
            && (self.key.is_some() || self.keys_void_before.is_some() || !self.former_channels.is_empty())
    }

    /// Since when keys are to be deleted from the vault, in time: since its channel ended, or its
    /// record was erased.
    pub fn keys_idle_since(&self) -> Option<OffsetDateTime> {
        let ended_at = self.channel_end.as_ref().and_then(|end| end.ended_at);
        // A cancelled one whose channel is not to end may have left a key all the same.
        let has_no_end = self.status == Status::Cancelled && self.channel_end.is_none();
        let over_since = (self.status == Status::Disconnected || has_no_end).then_some(self.status_since);
        let is_over = self.status.is_final() || self.erased_at.is_some();
        ended_at.or(over_since).or(self.erased_at).filter(|_| is_over && self.may_leave_a_key())
    }

    /// Keys in the vault that are older than this are not the one that is wanted.
    pub fn keys_wanted_since(&self) -> OffsetDateTime {
        let since = self.key_rotation.as_ref().map(|rotation| rotation.since).max(self.keys_void_before);
        since.unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}
