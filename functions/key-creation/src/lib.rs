//! Step 4, from its queue: creates and stores API keys, sets the message webhook.

use std::time::Instant;

use partner_hub::messaging::Messaging;
use queue::Task;
use runtime::Dependencies;
use runtime::settings::{Env, HubConfig, Incomplete, MessagingConfig, VaultConfig};
use runtime::worker::WorkerError;

/// The function's settings.
pub struct Settings {
    hub: HubConfig,
    messaging: MessagingConfig,
    vault: VaultConfig,
}

/// Creates and stores the API key of a live channel, and sets its message webhook.
#[derive(Clone)]
pub struct KeyCreation(workflow::steps::KeyCreation);

impl Settings {
    /// Reads them.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let (hub, messaging, vault) = (HubConfig::read(env), MessagingConfig::read(env), VaultConfig::read(env));
        Ok(Self { hub: hub?, messaging: messaging?, vault: vault? })
    }
}

impl KeyCreation {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: Settings) -> Self {
        let Settings { hub, messaging, vault } = settings;
        Self(workflow::steps::KeyCreation {
            context: dependencies.hub_context(hub),
            vault: dependencies.vault(vault),
            messaging: Messaging::new(dependencies.http.clone(), messaging.hosts),
            message_webhook: dependencies.message_webhooks(messaging.webhook_url),
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
