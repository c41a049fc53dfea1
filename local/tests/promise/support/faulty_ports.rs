//! Queues, event bus and vault with fault injection.

use std::sync::Arc;

use async_trait::async_trait;
use event_bus::{BusError, BusEvent, EventBus, MemoryBus};
use onboarding::{ChannelId, StoredKey};
use partner_hub::ApiKey;
use queue::{MemoryQueue, Queue, QueueError, QueueName, Task};
use vault::{MemoryVault, Vault, VaultError};

use crate::support::disturbance::Disturbances;
use crate::support::fault_injection::{Failure, FaultInjection, Outcome, Place, SideEffect};

pub(crate) struct FaultyQueue {
    pub(crate) queue: MemoryQueue,
    pub(crate) injection: Arc<FaultInjection>,
    pub(crate) disturbances: Arc<Disturbances>,
}

#[async_trait]
impl Queue for FaultyQueue {
    async fn send(&self, queue: QueueName, task: &Task) -> Result<(), QueueError> {
        let refused = |failure| match failure {
            Failure::Vanished => Ok(()),
            _ => Err(QueueError::Unavailable("refused as planned".to_owned())),
        };
        let send = async {
            self.queue.send_text(queue, &task.body()?, self.disturbances.message_delay());
            Ok(())
        };
        let what = format!("send to {}", queue.as_str());
        through(&self.injection, Place::Queue, what, send, refused).await
    }
}

pub(crate) struct FaultyBus {
    pub(crate) bus: MemoryBus,
    pub(crate) injection: Arc<FaultInjection>,
}

#[async_trait]
impl EventBus for FaultyBus {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        let refused = |_| Err(BusError("refused as planned".to_owned()));
        through(&self.injection, Place::Bus, "put".to_owned(), self.bus.put(event), refused).await
    }
}

pub(crate) struct FaultyVault {
    pub(crate) vault: MemoryVault,
    pub(crate) injection: Arc<FaultInjection>,
}

#[async_trait]
impl Vault for FaultyVault {
    async fn find(&self, channel: &ChannelId) -> Result<Option<(ApiKey, StoredKey)>, VaultError> {
        through(&self.injection, Place::Vault, "find".to_owned(), self.vault.find(channel), unavailable).await
    }

    async fn holds(&self, channel: &ChannelId) -> Result<bool, VaultError> {
        through(&self.injection, Place::Vault, "holds".to_owned(), self.vault.holds(channel), unavailable).await
    }

    async fn store(&self, channel: &ChannelId, key: &ApiKey) -> Result<StoredKey, VaultError> {
        through(&self.injection, Place::Vault, "store".to_owned(), self.vault.store(channel, key), unavailable).await
    }

    async fn delete(&self, channel: &ChannelId) -> Result<(), VaultError> {
        through(&self.injection, Place::Vault, "delete".to_owned(), self.vault.delete(channel), unavailable).await
    }
}

fn unavailable<T>(_: Failure) -> Result<T, VaultError> {
    Err(VaultError::Unavailable("refused as planned".to_owned()))
}

async fn through<T, E>(
    injection: &FaultInjection,
    place: Place,
    what: String,
    call: impl Future<Output = Result<T, E>>,
    refused: impl Fn(Failure) -> Result<T, E>,
) -> Result<T, E> {
    let outcome = injection.leaving(place, what);
    // Others get their turn, as if there were a network.
    tokio::task::yield_now().await;
    let done = match outcome {
        Outcome::Crash(SideEffect::None) | Outcome::Fail(_, SideEffect::None) => None,
        _ => Some(call.await),
    };
    match (outcome, done) {
        (Outcome::Crash(_), _) => injection.crash().await,
        (Outcome::Fail(failure, _), _) => refused(failure),
        (Outcome::Pass, done) => done.unwrap(),
    }
}
