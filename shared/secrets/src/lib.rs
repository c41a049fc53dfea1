#![doc = include_str!("../README.md")]

mod bundle;
#[cfg(feature = "aws")]
mod cache;
mod fields;
mod header_keys;
#[cfg(feature = "memory")]
mod memory;
mod rotating_key;
mod seal;
mod sealing_keys;
mod worker;

use std::sync::Arc;

use async_trait::async_trait;

pub use bundle::BundleSecret;
#[cfg(feature = "aws")]
pub use cache::CachedSecret;
pub use fields::IncompleteSecret;
pub use header_keys::HeaderKeys;
#[cfg(feature = "memory")]
pub use memory::MemorySecret;
pub use seal::{SealError, SealKey};
pub use sealing_keys::SealingKeys;
pub use worker::WorkerSecret;

/// Gives the value of one secret: a [`BundleSecret`], a [`WorkerSecret`], [`SealingKeys`] or [`HeaderKeys`].
#[async_trait]
pub trait Secret<T>: Send + Sync {
    /// The value, at most a few minutes old.
    async fn value(&self) -> Result<Arc<T>, SecretError>;

    /// The value read anew, after something of it was refused or did not fit: it may have been rotated. Cheap to call again and
    /// again: it does not read more often than every 30 seconds.
    async fn refresh(&self) -> Result<Arc<T>, SecretError>;
}

/// Why a secret has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Try again later. Holds why, in a word.
    #[error("a secret is unavailable: {0}")]
    Unavailable(String),
    /// The operator has to fill it in.
    #[error(transparent)]
    Incomplete(#[from] IncompleteSecret),
}
