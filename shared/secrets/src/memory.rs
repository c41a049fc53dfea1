//! The twin of a secret in memory, for the local stack and tests.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{Secret, SecretError};

/// A value that is given, and that can be rotated. Clones share it.
#[derive(Debug)]
pub struct MemorySecret<T>(Arc<Mutex<Rotation<T>>>);

#[derive(Debug)]
struct Rotation<T> {
    current: Arc<T>,
    next: Option<Arc<T>>,
}

impl<T> MemorySecret<T> {
    /// Gives this.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Rotation { current: Arc::new(value), next: None })))
    }

    /// Gives this from the next [`Secret::refresh`] on: until then the earlier value is still in the cache.
    pub fn rotate(&self, value: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next = Some(Arc::new(value));
    }
}

impl<T> Clone for MemorySecret<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[async_trait]
impl<T: Send + Sync> Secret<T> for MemorySecret<T> {
    async fn value(&self) -> Result<Arc<T>, SecretError> {
        Ok(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner).current))
    }

    async fn refresh(&self) -> Result<Arc<T>, SecretError> {
        let mut rotation = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = rotation.next.take() {
            rotation.current = next;
        }
        Ok(Arc::clone(&rotation.current))
    }
}
