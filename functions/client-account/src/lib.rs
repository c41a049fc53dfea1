//! Step 1, from its queue: finds or creates the client account at the Hub.

use shared::queue::Task;
use shared::steps::HubWork;
use shared::worker::WorkerError;

/// The function.
#[derive(Clone)]
pub struct ClientAccount {
    /// What it works with.
    pub work: HubWork,
}

impl ClientAccount {
    /// Handles one message.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), WorkerError> {
        self.work.client_account(task).await.map_err(WorkerError)
    }
}
