//! Step 4, from its queue: takes webhooks from the inbox, creates and stores API keys.

use partner_hub::messaging::Messaging;
use queue::{Step, Task};
use runtime::Dependencies;
use runtime::settings::{Env, HubConfig, Incomplete, MessagingConfig, VaultConfig};
use runtime::worker::WorkerError;

/// The steps to whose queues it sends. Its role in the template allows these.
pub const SENDS_TO: &[Step] = &[Step::KeyCreation];

/// The function's settings.
pub struct Settings {
    hub: HubConfig,
    messaging: MessagingConfig,
    vault: VaultConfig,
}

/// Matches a kept webhook to its onboarding, or creates and stores the API key of a live channel.
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
            message_webhook: messaging.webhook_url,
        })
    }

    /// Handles one message.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), WorkerError> {
        self.0.handle(task).await.map_err(WorkerError)
    }
}
