//! Step 3, from its queue: submits the number to the Hub.

use shared::queue::Task;
use shared::steps::HubWork;
use shared::worker::WorkerError;

/// The function.
#[derive(Clone)]
pub struct NumberSubmission {
    /// What it works with.
    pub work: HubWork,
}

impl NumberSubmission {
    /// Handles one message.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), WorkerError> {
        self.work.number_submission(task).await.map_err(WorkerError)
    }
}
