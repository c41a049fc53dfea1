//! Step 3, from its queue: submits the number to the Hub. Also asks it for channels, and whether it is well.

use std::time::Instant;

use queue::Task;
use runtime::Dependencies;
use runtime::settings::{Env, HubConfig, Incomplete, VaultConfig};
use runtime::worker::WorkerError;

/// The function's settings.
pub struct Settings {
    hub: HubConfig,
    vault: VaultConfig,
}

impl Settings {
    /// Reads them.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let (hub, vault) = (HubConfig::read(env), VaultConfig::read(env));
        Ok(Self { hub: hub?, vault: vault? })
    }
}

/// Submits the number of the onboarding that a message names, or asks the Hub what else is to be asked.
#[derive(Clone)]
pub struct NumberSubmission(workflow::steps::NumberSubmission);

impl NumberSubmission {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: Settings) -> Self {
        Self(workflow::steps::NumberSubmission {
            context: dependencies.hub_context(settings.hub),
            vault: dependencies.vault(settings.vault),
        })
    }

    /// Handles one message. No call is begun that could outlast `deadline`.
    ///
    /// # Errors
    /// If nothing could be recorded.
    pub async fn handle(&self, task: Task, deadline: Option<Instant>) -> Result<(), WorkerError> {
        self.0.handle(task, deadline).await.map_err(WorkerError)
    }
}
