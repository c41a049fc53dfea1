//! A twin of the bus in memory, for the local stack and tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{BusError, BusEvent, EventBus};

/// Keeps the newest events. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryBus(Arc<Mutex<Contents>>);

/// No more are kept.
const KEPT: usize = 10_000;

#[derive(Debug, Default)]
struct Contents {
    events: Vec<BusEvent>,
    failures: u32,
}

impl MemoryBus {
    /// The newest 10,000 events that were put, oldest first.
    pub fn events(&self) -> Vec<BusEvent> {
        self.lock().events.clone()
    }

    /// Makes the next `times` puts fail.
    pub fn fail_next(&self, times: u32) {
        self.lock().failures = times;
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        let mut contents = self.lock();
        if contents.failures > 0 {
            contents.failures -= 1;
            return Err(BusError("told to fail".to_owned()));
        }
        contents.events.push(event.clone());
        let spare = contents.events.len().saturating_sub(KEPT);
        contents.events.drain(..spare);
        Ok(())
    }
}
