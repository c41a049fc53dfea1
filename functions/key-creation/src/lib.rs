//! Step 4, from its queue: takes webhooks from the inbox, creates and stores API keys.

use shared::queue::Task;
use shared::steps::KeyWork;
use shared::worker::WorkerError;

/// The function.
#[derive(Clone)]
pub struct KeyCreation {
    /// What it works with.
    pub work: KeyWork,
}

impl KeyCreation {
    /// Handles one message.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), WorkerError> {
        self.work.key_creation(task).await.map_err(WorkerError)
    }
}
