//! Step 1, from its queue: finds or creates the client account at the Hub.

use std::time::Instant;

use queue::Task;
use runtime::Dependencies;
use runtime::settings::HubConfig;
use runtime::worker::WorkerError;

/// Finds or creates the client account of the onboarding that a message names.
#[derive(Clone)]
pub struct ClientAccount(workflow::steps::ClientAccount);

impl ClientAccount {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: HubConfig) -> Self {
        Self(workflow::steps::ClientAccount { context: dependencies.hub_context(settings) })
    }

    /// Handles one message. No call is begun that could outlast `deadline`.
    ///
    /// # Errors
    /// If nothing could be recorded.
    pub async fn handle(&self, task: Task, deadline: Option<Instant>) -> Result<(), WorkerError> {
        self.0.handle(task, deadline).await.map_err(WorkerError)
    }
}
