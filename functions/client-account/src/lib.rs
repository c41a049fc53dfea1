//! Step 1, from its queue: finds or creates the client account at the Hub.

use queue::{Step, Task};
use runtime::Dependencies;
use runtime::settings::HubConfig;
use runtime::worker::WorkerError;

/// The steps to whose queues it sends. Its role in the template allows these.
pub const SENDS_TO: &[Step] = &[Step::ClientAccount];

/// Finds or creates the client account of the onboarding that a message names.
#[derive(Clone)]
pub struct ClientAccount(workflow::steps::ClientAccount);

impl ClientAccount {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: HubConfig) -> Self {
        Self(workflow::steps::ClientAccount { context: dependencies.hub_context(settings) })
    }

    /// Handles one message.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), WorkerError> {
        self.0.handle(task).await.map_err(WorkerError)
    }
}
