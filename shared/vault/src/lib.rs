#![doc = include_str!("../README.md")]

#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "aws")]
mod secrets_manager;

use async_trait::async_trait;
use exchange::ChannelId;
use onboarding::StoredKey;
use partner_hub::ApiKey;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

#[cfg(feature = "memory")]
pub use memory::MemoryVault;
#[cfg(feature = "aws")]
pub use secrets_manager::SecretsManagerVault;

/// Why a key was not found or kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Try again later. Holds why, in a word.
    #[error("the vault is unavailable: {0}")]
    Unavailable(String),
    /// Something under the channel's name is not a key of ours: for the operator to look at. Holds what is wrong.
    #[error("the channel's secret in the vault is unreadable: {0}")]
    Unreadable(String),
}

/// Keeps API keys.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The channel's key and where it is kept, if there is one. A key that is scheduled for deletion counts as absent.
    async fn find(&self, channel: &ChannelId) -> Result<Option<(ApiKey, StoredKey)>, VaultError>;

    /// Whether a key of the channel's is kept, without reading it.
    async fn holds(&self, channel: &ChannelId) -> Result<bool, VaultError>;

    /// Keeps the channel's key in place of any other. Returns where.
    async fn store(&self, channel: &ChannelId, key: &ApiKey) -> Result<StoredKey, VaultError>;

    /// Deletes the channel's key, or schedules that. Nothing changes if there is none.
    async fn delete(&self, channel: &ChannelId) -> Result<(), VaultError>;
}

/// The name of a channel's secret.
fn secret_name(prefix: &str, channel: &ChannelId) -> String {
    format!("{prefix}/channels/{channel}/api-key")
}

/// Where `key` is kept: in this version of the secret with this ARN.
fn stored_key(key: &ApiKey, secret_arn: String, version: Option<String>) -> StoredKey {
    StoredKey { secret_arn, key_id: key.key_id.clone(), version, address: key.address.as_str().to_owned() }
}

/// The value of a channel's secret, as JSON: `{api_key, address, key_id, created_at, channel_id}`. The partner's systems
/// read it, so members may be added, never renamed.
#[derive(Serialize, Deserialize)]
pub struct SecretValue {
    api_key: String,
    address: Url,
    #[serde(default)]
    key_id: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    channel_id: ChannelId,
}

impl SecretValue {
    /// The value for a channel's key.
    #[expect(clippy::disallowed_methods, reason = "kept in the vault")]
    pub fn new(channel: &ChannelId, key: &ApiKey) -> Self {
        Self {
            api_key: key.api_key.expose_secret().to_owned(),
            address: key.address.clone(),
            key_id: key.key_id.clone(),
            created_at: key.created_at,
            channel_id: channel.clone(),
        }
    }

    /// The channel and its key.
    pub fn into_key(self) -> (ChannelId, ApiKey) {
        let Self { api_key, address, key_id, created_at, channel_id } = self;
        (channel_id, ApiKey { api_key: api_key.into(), address, key_id, created_at })
    }

    fn to_json(&self) -> Result<String, VaultError> {
        serde_json::to_string(self).map_err(|_| VaultError::Unreadable("it cannot be written as JSON".to_owned()))
    }
}

/// Reads the key of `channel` from its secret's value.
fn parse_key(json: &str, channel: &ChannelId) -> Result<ApiKey, VaultError> {
    // serde's sentence could repeat a part of the value.
    let value: SecretValue = serde_json::from_str(json)
        .map_err(|error| VaultError::Unreadable(format!("not a key's JSON at column {}", error.column())))?;
    let (owner, key) = value.into_key();
    if owner == *channel { Ok(key) } else { Err(VaultError::Unreadable("it belongs to another channel".to_owned())) }
}
