//! Step 3, from its queue: submits the number to the Hub.

use queue::{Step, Task};
use runtime::Dependencies;
use runtime::settings::HubConfig;
use runtime::worker::WorkerError;

/// The steps to whose queues it sends. Its role in the template allows these.
pub const SENDS_TO: &[Step] = &[Step::NumberSubmission];

/// Submits the number of the onboarding that a message names.
#[derive(Clone)]
pub struct NumberSubmission(workflow::steps::NumberSubmission);

impl NumberSubmission {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: HubConfig) -> Self {
        Self(workflow::steps::NumberSubmission { context: dependencies.hub_context(settings) })
    }

    /// Handles one message.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), WorkerError> {
        self.0.handle(task).await.map_err(WorkerError)
    }
}
