//! Dispatchers with a clock or a queue of their own.

use std::sync::Arc;

use async_trait::async_trait;
use exchange::Clock;
use local::client::Started;
use queue::{Queue, QueueError, QueueName, Step, Task};
use store::WorkKey;
use workflow::Dispatcher;

use crate::support::TestBench;

pub(super) fn key(started: &Started) -> WorkKey {
    WorkKey::Onboarding(started.id.parse().unwrap())
}

impl TestBench {
    pub(super) fn dispatcher(&self) -> Dispatcher {
        self.stack.functions.dispatcher.0.clone()
    }

    /// The dispatcher, whose clock does something at each look at it.
    pub(super) fn dispatcher_with(&self, clock: Clock) -> Dispatcher {
        Dispatcher { clock, ..self.dispatcher() }
    }
}

/// Runs something to its end in the middle of code that does not wait.
pub(super) fn meanwhile<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    std::thread::spawn(run).join().unwrap()
}

/// A queue that takes no messages for one step.
pub(super) struct Refusing {
    pub(super) step: Step,
    pub(super) others: Arc<dyn Queue>,
}

#[async_trait]
impl Queue for Refusing {
    async fn send(&self, queue: QueueName, task: &Task) -> Result<(), QueueError> {
        if queue == self.step.into() {
            return Err(QueueError::Unavailable("as planned".to_owned()));
        }
        self.others.send(queue, task).await
    }
}
