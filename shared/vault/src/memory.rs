//! A twin of the vault in memory, for the local stack and tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use exchange::ChannelId;

use super::{NewVaultKey, Vault, VaultError, VaultKey, secret_name};

/// Keeps keys in memory. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryVault {
    prefix: String,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    keys: BTreeMap<ChannelId, VaultKey>,
    failing_finds: u32,
    failing_stores: u32,
}

impl MemoryVault {
    /// An empty vault.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), contents: Arc::default() }
    }

    /// Every key that is kept.
    pub fn keys(&self) -> Vec<(ChannelId, VaultKey)> {
        self.lock().keys.iter().map(|(channel, key)| (channel.clone(), key.clone())).collect()
    }

    /// Removes a channel's key, as an operator might.
    pub fn remove(&self, channel: &ChannelId) -> Option<VaultKey> {
        self.lock().keys.remove(channel)
    }

    /// Makes the next `times` calls of [`Vault::find`] fail.
    pub fn fail_next_finds(&self, times: u32) {
        self.lock().failing_finds = times;
    }

    /// Makes the next `times` calls of [`Vault::store`] fail.
    pub fn fail_next_stores(&self, times: u32) {
        self.lock().failing_stores = times;
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn find(&self, channel: &ChannelId) -> Result<Option<VaultKey>, VaultError> {
        let mut contents = self.lock();
        fail(&mut contents.failing_finds)?;
        Ok(contents.keys.get(channel).cloned())
    }

    async fn holds(&self, channel: &ChannelId) -> Result<bool, VaultError> {
        Ok(self.find(channel).await?.is_some())
    }

    async fn store(&self, channel: &ChannelId, key: &NewVaultKey) -> Result<String, VaultError> {
        let mut contents = self.lock();
        fail(&mut contents.failing_stores)?;
        let arn = format!("arn:aws:secretsmanager:local:000000000000:secret:{}", secret_name(&self.prefix, channel));
        // Through the JSON, so that a key that could not be read back is noticed here too.
        let kept = VaultKey::from_json(&key.to_json(channel)?, channel, arn.clone())?;
        contents.keys.insert(channel.clone(), kept);
        Ok(arn)
    }
}

fn fail(times: &mut u32) -> Result<(), VaultError> {
    if *times == 0 {
        return Ok(());
    }
    *times -= 1;
    Err(VaultError::Unavailable("told to fail".to_owned()))
}
