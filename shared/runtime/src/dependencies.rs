//! What everything is built from.

use std::sync::Arc;

use exchange::Clock;
use meta_graph::{Meta, MetaApp};
use partner_hub::Hub;
use queue::Queue;
use secrets::Secrets;
use store::Store;
use vault::Vault;
use workflow::HubContext;
use workflow::steps::SignupProof;

use crate::settings::{HubConfig, MetaConfig, VaultConfig};

/// What everything is built from. Built once: with AWS by [`start`](crate::start), or from [`Ports`] that are given.
#[derive(Clone)]
pub struct Dependencies {
    /// The table.
    pub store: Store,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The bundle's secret.
    pub secrets: Arc<dyn Secrets>,
    /// The one HTTP client, for everything that is called.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Clock,
    vault: VaultSource,
}

/// Where the vault comes from. Few functions have one, so that it is built where it is asked for.
#[derive(Clone)]
enum VaultSource {
    #[cfg(feature = "aws")]
    Aws(aws_sdk_secretsmanager::Client),
    Given(Arc<dyn Vault>),
}

/// Table, queues, vault and secrets that are given.
pub struct Ports {
    /// The table.
    pub store: Store,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The vault.
    pub vault: Arc<dyn Vault>,
    /// The bundle's secret.
    pub secrets: Arc<dyn Secrets>,
}

impl Dependencies {
    /// From these ports.
    pub fn given(ports: Ports, http: reqwest::Client, clock: Clock) -> Self {
        let Ports { store, queue, vault, secrets } = ports;
        Self { store, queue, secrets, http, clock, vault: VaultSource::Given(vault) }
    }

    #[cfg(feature = "aws")]
    pub(crate) fn on_aws(
        store: Store,
        queue: Arc<dyn Queue>,
        secrets: Arc<dyn Secrets>,
        secrets_manager: aws_sdk_secretsmanager::Client,
        http: reqwest::Client,
        clock: Clock,
    ) -> Self {
        Self { store, queue, secrets, http, clock, vault: VaultSource::Aws(secrets_manager) }
    }

    /// The same, with another queue.
    #[must_use]
    pub fn with_queue(&self, queue: Arc<dyn Queue>) -> Self {
        Self { queue, ..self.clone() }
    }

    /// The vault.
    pub fn vault(&self, config: VaultConfig) -> Arc<dyn Vault> {
        match &self.vault {
            #[cfg(feature = "aws")]
            VaultSource::Aws(client) => Arc::new(vault::SecretsManagerVault::new(client.clone(), config.prefix)),
            VaultSource::Given(vault) => {
                drop(config);
                Arc::clone(vault)
            }
        }
    }

    /// What a step at the Hub is given.
    pub fn hub_context(&self, hub: HubConfig) -> HubContext {
        HubContext {
            hub: Hub::new(self.http.clone(), hub.base_url, hub.partner_id, self.clock.clone())
                .with_client_filter(hub.client_filter),
            limit: hub.call_limit,
            solution_id: hub.solution_id,
            store: self.store.clone(),
            queue: Arc::clone(&self.queue),
            secrets: Arc::clone(&self.secrets),
            clock: self.clock.clone(),
        }
    }

    /// What proves signups.
    pub fn signup_proof(&self, meta: MetaConfig) -> SignupProof {
        let MetaConfig { graph_url, graph_version, app_id } = meta;
        SignupProof::new(Meta::new(self.http.clone(), MetaApp { graph_url, graph_version, app_id }))
    }
}
