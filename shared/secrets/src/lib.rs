#![doc = include_str!("../README.md")]

mod bundle;
#[cfg(feature = "aws")]
mod cache;
#[cfg(feature = "memory")]
mod memory;
mod seal;
mod sealing_keys;

use std::sync::Arc;

use async_trait::async_trait;

pub use bundle::{BundleError, BundleSecret};
#[cfg(feature = "aws")]
pub use cache::{CachedSealing, CachedSecret, CachedSecrets};
#[cfg(feature = "memory")]
pub use memory::{MemorySealing, MemorySecrets};
pub use seal::{SealError, SealKey};
pub use sealing_keys::SealingKeys;

/// Gives the bundle's credentials.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The credentials, at most a few minutes old.
    async fn bundle(&self) -> Result<Arc<BundleSecret>, SecretsError>;

    /// The credentials read anew, after one of them was refused or did not fit: they may have been rotated. Cheap to call
    /// again and again: it does not read more often than every 30 seconds.
    async fn refresh(&self) -> Result<Arc<BundleSecret>, SecretsError>;
}

/// Gives the keys with which the tokens of signups are sealed.
#[async_trait]
pub trait SealingSecret: Send + Sync {
    /// The keys, at most a few minutes old.
    async fn keys(&self) -> Result<Arc<SealingKeys>, SecretsError>;

    /// The keys read anew, after something could not be opened: they may have been rotated. Cheap to call again and again.
    async fn refresh(&self) -> Result<Arc<SealingKeys>, SecretsError>;
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// Try again later. Holds why, in a word.
    #[error("the bundle's secret is unavailable: {0}")]
    Unavailable(String),
    /// The operator has to fill it in.
    #[error(transparent)]
    Incomplete(#[from] BundleError),
}
