#![doc = include_str!("../README.md")]

#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "aws")]
mod secrets_manager;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

#[cfg(feature = "memory")]
pub use memory::MemoryVault;
#[cfg(feature = "aws")]
pub use secrets_manager::SecretsManagerVault;

use exchange::ChannelId;

/// An API key to be kept.
#[derive(Debug, Clone)]
pub struct NewVaultKey {
    /// The key itself, `D360-API-KEY`.
    pub api_key: SecretString,
    /// Where the messaging API takes it.
    pub address: Url,
    /// 360dialog's id of the key.
    pub key_id: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// An API key that is kept.
#[derive(Debug, Clone)]
pub struct VaultKey {
    /// The key itself, `D360-API-KEY`.
    pub api_key: SecretString,
    /// Where the messaging API takes it.
    pub address: Url,
    /// 360dialog's id of the key.
    pub key_id: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Where it is kept.
    pub secret_arn: String,
}

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
    /// The channel's key, if one is kept. One that is scheduled for deletion is not.
    async fn find(&self, channel: &ChannelId) -> Result<Option<VaultKey>, VaultError>;

    /// Whether a key of the channel's is kept, without reading it.
    async fn holds(&self, channel: &ChannelId) -> Result<bool, VaultError>;

    /// Keeps the channel's key in place of any other. Returns the secret's ARN.
    async fn store(&self, channel: &ChannelId, key: &NewVaultKey) -> Result<String, VaultError>;
}

/// The name of a channel's secret.
fn secret_name(prefix: &str, channel: &ChannelId) -> String {
    format!("{prefix}/channels/{channel}/api-key")
}

/// The value of a channel's secret. The partner's systems read it: members may be added, never renamed.
#[derive(Serialize, Deserialize)]
struct SecretValue {
    api_key: String,
    address: Url,
    #[serde(default)]
    key_id: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    channel_id: ChannelId,
}

impl NewVaultKey {
    /// The secret's value, as JSON.
    #[expect(clippy::disallowed_methods, reason = "kept in the vault")]
    fn to_json(&self, channel: &ChannelId) -> Result<String, VaultError> {
        let value = SecretValue {
            api_key: self.api_key.expose_secret().to_owned(),
            address: self.address.clone(),
            key_id: self.key_id.clone(),
            created_at: self.created_at,
            channel_id: channel.clone(),
        };
        serde_json::to_string(&value).map_err(|_| VaultError::Unreadable("it cannot be written as JSON".to_owned()))
    }
}

impl VaultKey {
    /// Reads a secret's value.
    fn from_json(json: &str, channel: &ChannelId, secret_arn: String) -> Result<Self, VaultError> {
        // serde's sentence could repeat a part of the value.
        let value: SecretValue = serde_json::from_str(json)
            .map_err(|error| VaultError::Unreadable(format!("not a key's JSON at column {}", error.column())))?;
        if value.channel_id != *channel {
            return Err(VaultError::Unreadable("it belongs to another channel".to_owned()));
        }
        Ok(Self {
            api_key: value.api_key.into(),
            address: value.address,
            key_id: value.key_id,
            created_at: value.created_at,
            secret_arn,
        })
    }
}
