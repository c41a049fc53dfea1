//! Twins of the secrets in memory, for the local stack and tests.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{BundleSecret, SealingKeys, SealingSecret, Secrets, SecretsError};

/// Credentials that are given, and that can be rotated. Clones share them.
#[derive(Debug, Clone)]
pub struct MemorySecrets(Arc<Mutex<Rotation>>);

#[derive(Debug)]
struct Rotation {
    current: Arc<BundleSecret>,
    next: Option<Arc<BundleSecret>>,
}

impl MemorySecrets {
    /// Gives these.
    pub fn new(bundle: BundleSecret) -> Self {
        Self(Arc::new(Mutex::new(Rotation { current: Arc::new(bundle), next: None })))
    }

    /// Gives these from the next [`Secrets::refresh`] on: until then the earlier ones are still in the cache.
    pub fn rotate(&self, bundle: BundleSecret) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next = Some(Arc::new(bundle));
    }
}

#[async_trait]
impl Secrets for MemorySecrets {
    async fn bundle(&self) -> Result<Arc<BundleSecret>, SecretsError> {
        Ok(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner).current))
    }

    async fn refresh(&self) -> Result<Arc<BundleSecret>, SecretsError> {
        let mut rotation = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = rotation.next.take() {
            rotation.current = next;
        }
        Ok(Arc::clone(&rotation.current))
    }
}

/// Sealing keys that are given, and that can be rotated. Clones share them.
#[derive(Debug, Clone)]
pub struct MemorySealing(Arc<Mutex<Arc<SealingKeys>>>);

impl MemorySealing {
    /// Gives these.
    pub fn new(keys: SealingKeys) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(keys))))
    }

    /// Gives these from now on.
    pub fn rotate(&self, keys: SealingKeys) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

#[async_trait]
impl SealingSecret for MemorySealing {
    async fn keys(&self) -> Result<Arc<SealingKeys>, SecretsError> {
        Ok(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    async fn refresh(&self) -> Result<Arc<SealingKeys>, SecretsError> {
        self.keys().await
    }
}
