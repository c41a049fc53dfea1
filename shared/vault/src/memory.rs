//! A twin of the vault in memory, for the local stack and tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use exchange::ChannelId;
use onboarding::StoredKey;
use partner_hub::ApiKey;

use super::{SecretValue, Vault, VaultError, parse_key, secret_name, stored_key};

/// Keeps keys in memory. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryVault {
    prefix: String,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    keys: BTreeMap<ChannelId, ApiKey>,
    failing_finds: u32,
    failing_stores: u32,
}

impl MemoryVault {
    /// An empty vault.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), contents: Arc::default() }
    }

    /// Every key that is kept.
    pub fn keys(&self) -> Vec<(ChannelId, ApiKey)> {
        self.lock().keys.iter().map(|(channel, key)| (channel.clone(), key.clone())).collect()
    }

    /// Removes a channel's key, as an operator might.
    pub fn remove(&self, channel: &ChannelId) -> Option<ApiKey> {
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

    fn arn(&self, channel: &ChannelId) -> String {
        format!("arn:aws:secretsmanager:local:000000000000:secret:{}", secret_name(&self.prefix, channel))
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn find(&self, channel: &ChannelId) -> Result<Option<(ApiKey, StoredKey)>, VaultError> {
        let mut contents = self.lock();
        fail(&mut contents.failing_finds)?;
        Ok(contents.keys.get(channel).map(|key| (key.clone(), stored_key(key, self.arn(channel), None))))
    }

    async fn holds(&self, channel: &ChannelId) -> Result<bool, VaultError> {
        Ok(self.find(channel).await?.is_some())
    }

    async fn store(&self, channel: &ChannelId, key: &ApiKey) -> Result<StoredKey, VaultError> {
        let mut contents = self.lock();
        fail(&mut contents.failing_stores)?;
        // Through the JSON, so that a key that could not be read back is noticed here too.
        let kept = parse_key(&SecretValue::new(channel, key).to_json()?, channel)?;
        contents.keys.insert(channel.clone(), kept);
        Ok(stored_key(key, self.arn(channel), None))
    }

    async fn delete(&self, channel: &ChannelId) -> Result<(), VaultError> {
        self.remove(channel);
        Ok(())
    }
}

fn fail(times: &mut u32) -> Result<(), VaultError> {
    if *times == 0 {
        return Ok(());
    }
    *times -= 1;
    Err(VaultError::Unavailable("told to fail".to_owned()))
}
