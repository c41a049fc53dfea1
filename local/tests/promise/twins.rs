//! The border at queues and vault.

use std::sync::Arc;

use async_trait::async_trait;
use onboarding::ChannelId;
use queue::{MemoryQueue, Queue, QueueError, Task, Worker};
use time::Duration;
use vault::{MemoryVault, NewVaultKey, Vault, VaultError, VaultKey};

use crate::outside::{Effect, Fate, Outside, Place, Trouble};

pub(crate) struct WatchedQueue {
    pub(crate) queue: MemoryQueue,
    pub(crate) outside: Arc<Outside>,
}

#[async_trait]
impl Queue for WatchedQueue {
    async fn send(&self, worker: Worker, task: &Task, delay: Duration) -> Result<(), QueueError> {
        let refused = |trouble| match trouble {
            Trouble::Vanished => Ok(()),
            _ => Err(QueueError::Unavailable("refused as planned".to_owned())),
        };
        let send = self.queue.send(worker, task, delay);
        let what = format!("send to {}", worker.as_str());
        through(&self.outside, Place::Queue, what, send, refused).await
    }
}

pub(crate) struct WatchedVault {
    pub(crate) vault: MemoryVault,
    pub(crate) outside: Arc<Outside>,
}

#[async_trait]
impl Vault for WatchedVault {
    async fn find(&self, channel: &ChannelId) -> Result<Option<VaultKey>, VaultError> {
        through(&self.outside, Place::Vault, "find".to_owned(), self.vault.find(channel), unavailable).await
    }

    async fn holds(&self, channel: &ChannelId) -> Result<bool, VaultError> {
        through(&self.outside, Place::Vault, "holds".to_owned(), self.vault.holds(channel), unavailable).await
    }

    async fn store(&self, channel: &ChannelId, key: &NewVaultKey) -> Result<String, VaultError> {
        through(&self.outside, Place::Vault, "store".to_owned(), self.vault.store(channel, key), unavailable).await
    }
}

fn unavailable<T>(_: Trouble) -> Result<T, VaultError> {
    Err(VaultError::Unavailable("refused as planned".to_owned()))
}

async fn through<T, E>(
    outside: &Outside,
    place: Place,
    what: String,
    call: impl Future<Output = Result<T, E>>,
    refused: impl Fn(Trouble) -> Result<T, E>,
) -> Result<T, E> {
    let fate = outside.leaving(place, what);
    // Others get their turn, as if there were a network.
    tokio::task::yield_now().await;
    let done = match fate {
        Fate::Crash(Effect::None) | Fate::Fail(_, Effect::None) => None,
        _ => Some(call.await),
    };
    match (fate, done) {
        (Fate::Crash(_), _) => outside.crash().await,
        (Fate::Fail(trouble, _), _) => refused(trouble),
        (Fate::Pass, done) => done.unwrap(),
    }
}
