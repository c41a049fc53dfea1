//! What everything is built from.

use std::sync::Arc;

#[cfg(feature = "publisher")]
use event_bus::EventBus;
use exchange::Clock;
use meta_graph::{Meta, MetaApp};
use partner_hub::Hub;
#[cfg(feature = "publisher")]
use partner_webhook::{Endpoint, PublicAddresses};
#[cfg(feature = "dispatcher")]
use queue::Queue;
use secrets::{BundleSecret, HeaderKeys, SealingKeys, Secret, WorkerSecret};
use store::Store;
use vault::Vault;
#[cfg(feature = "dispatcher")]
use workflow::Dispatcher;
#[cfg(feature = "publisher")]
use workflow::EventPublisher;
use workflow::steps::{Confirmation, SignupProof};
use workflow::{HubContext, UpkeepContext};

#[cfg(feature = "dispatcher")]
use crate::settings::DispatcherConfig;
#[cfg(feature = "publisher")]
use crate::settings::EventConfig;
#[cfg(feature = "aws")]
use crate::settings::SecretsConfig;
use crate::settings::{HubConfig, MetaConfig, VaultConfig};

/// What everything is built from. Built once: with AWS by [`start_edge`](crate::start_edge) and its like, or from [`Ports`]
/// that are given.
#[derive(Clone)]
pub struct Dependencies {
    /// The table.
    pub store: Store,
    /// The edge's secret.
    pub bundle: Arc<dyn Secret<BundleSecret>>,
    /// The workers' secret.
    pub worker: Arc<dyn Secret<WorkerSecret>>,
    /// The keys that seal the tokens of signups.
    pub sealing: Arc<dyn Secret<SealingKeys>>,
    /// The keys that seal the headers of an onboarding's own message webhook.
    pub header_keys: Arc<dyn Secret<HeaderKeys>>,
    /// The one HTTP client, for everything that is called.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Clock,
    vault: VaultSource,
    #[cfg(feature = "dispatcher")]
    queue: QueueSource,
    #[cfg(feature = "publisher")]
    bus: BusSource,
}

/// Where the vault comes from. Few functions have one, so that it is built where it is asked for.
#[derive(Clone)]
enum VaultSource {
    #[cfg(feature = "aws")]
    Aws(aws_sdk_secretsmanager::Client),
    Given(Arc<dyn Vault>),
}

/// Where the queues come from. Only the dispatcher sends to them.
#[cfg(feature = "dispatcher")]
#[derive(Clone)]
enum QueueSource {
    Aws(Box<aws_config::SdkConfig>),
    Given(Arc<dyn Queue>),
}

/// Where the event bus comes from. Only the publisher uses it.
#[cfg(feature = "publisher")]
#[derive(Clone)]
enum BusSource {
    Aws(Box<aws_config::SdkConfig>),
    Given(Arc<dyn EventBus>),
}

/// Table, queues, event bus, vault and secrets that are given.
pub struct Ports {
    /// The table.
    pub store: Store,
    /// The queues.
    #[cfg(feature = "dispatcher")]
    pub queue: Arc<dyn Queue>,
    /// The event bus.
    #[cfg(feature = "publisher")]
    pub bus: Arc<dyn EventBus>,
    /// The vault.
    pub vault: Arc<dyn Vault>,
    /// The edge's secret.
    pub bundle: Arc<dyn Secret<BundleSecret>>,
    /// The workers' secret.
    pub worker: Arc<dyn Secret<WorkerSecret>>,
    /// The keys that seal the tokens of signups.
    pub sealing: Arc<dyn Secret<SealingKeys>>,
    /// The keys that seal the headers of an onboarding's own message webhook.
    pub header_keys: Arc<dyn Secret<HeaderKeys>>,
}

impl Dependencies {
    /// From these ports.
    pub fn given(ports: Ports, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            store: ports.store,
            bundle: ports.bundle,
            worker: ports.worker,
            sealing: ports.sealing,
            header_keys: ports.header_keys,
            http,
            clock,
            vault: VaultSource::Given(ports.vault),
            #[cfg(feature = "dispatcher")]
            queue: QueueSource::Given(ports.queue),
            #[cfg(feature = "publisher")]
            bus: BusSource::Given(ports.bus),
        }
    }

    /// From AWS. No secret is read before it is asked for.
    #[cfg(feature = "aws")]
    pub(crate) fn on_aws(
        store: Store,
        sdk: aws_config::SdkConfig,
        ids: SecretsConfig,
        http: reqwest::Client,
        clock: Clock,
    ) -> Self {
        let secrets_manager = aws_sdk_secretsmanager::Client::new(&sdk);
        let secret = (&secrets_manager, &clock);
        Self {
            store,
            bundle: cached(secret, ids.bundle, BundleSecret::parse),
            worker: cached(secret, ids.worker, WorkerSecret::parse),
            sealing: cached(secret, ids.sealing, SealingKeys::parse),
            header_keys: cached(secret, ids.header_key, HeaderKeys::parse),
            http,
            clock,
            vault: VaultSource::Aws(secrets_manager),
            #[cfg(feature = "dispatcher")]
            queue: QueueSource::Aws(Box::new(sdk.clone())),
            #[cfg(feature = "publisher")]
            bus: BusSource::Aws(Box::new(sdk)),
        }
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
            solution_id: hub.solution_id,
            store: self.store.clone(),
            secret: Arc::clone(&self.worker),
            clock: self.clock.clone(),
        }
    }

    /// What gives permits and settles what needs none.
    #[cfg(feature = "dispatcher")]
    pub fn dispatcher(&self, settings: DispatcherConfig) -> Dispatcher {
        let DispatcherConfig { call_limit, queues } = settings;
        let queue: Arc<dyn Queue> = match &self.queue {
            QueueSource::Aws(sdk) => Arc::new(queue::SqsQueue::new(aws_sdk_sqs::Client::new(sdk.as_ref()), queues)),
            QueueSource::Given(queue) => {
                drop(queues);
                Arc::clone(queue)
            }
        };
        Dispatcher { store: self.store.clone(), queue, limit: call_limit, clock: self.clock.clone() }
    }

    /// What tells the partner of events.
    ///
    /// # Errors
    /// Only if the TLS library cannot be set up.
    #[cfg(feature = "publisher")]
    pub fn event_publisher(&self, settings: EventConfig) -> Result<EventPublisher, crate::StartError> {
        let EventConfig { webhook_url, bus } = settings;
        let bus: Arc<dyn EventBus> = match &self.bus {
            BusSource::Aws(sdk) => {
                Arc::new(event_bus::EventBridge::new(aws_sdk_eventbridge::Client::new(sdk.as_ref()), bus))
            }
            BusSource::Given(given) => {
                drop(bus);
                Arc::clone(given)
            }
        };
        let webhook = webhook_url.map(|url| {
            let http = exchange::client_resolving_with(PublicAddresses)?;
            Ok::<_, crate::StartError>(Endpoint::new(http, url))
        });
        Ok(EventPublisher {
            store: self.store.clone(),
            bus,
            webhook: webhook.transpose()?,
            secret: Arc::clone(&self.worker),
            clock: self.clock.clone(),
        })
    }

    /// Where the messages of a number go. `usual`: of one whose onboarding does not say.
    pub fn message_webhooks(&self, usual: Option<url::Url>) -> workflow::steps::MessageWebhooks {
        workflow::steps::MessageWebhooks { usual, header_keys: Arc::clone(&self.header_keys) }
    }

    /// What the upkeep needs of the bundle. `notify_unclaimed`: whether the partner is told of signups that no onboarding has.
    pub fn upkeep_context(&self, solution_id: String, notify_unclaimed: bool) -> UpkeepContext {
        UpkeepContext { store: self.store.clone(), solution_id, notify_unclaimed, clock: self.clock.clone() }
    }

    /// What has signups confirmed.
    pub fn confirmation(&self, meta: MetaConfig) -> Confirmation {
        let MetaConfig { graph_url, graph_version, app_id } = meta;
        Confirmation {
            proof: SignupProof::new(Meta::new(self.http.clone(), MetaApp { graph_url, graph_version, app_id })),
            store: self.store.clone(),
            bundle: Arc::clone(&self.bundle),
            sealing: Arc::clone(&self.sealing),
            clock: self.clock.clone(),
        }
    }
}

#[cfg(feature = "aws")]
fn cached<T: Send + Sync + 'static>(
    (client, clock): (&aws_sdk_secretsmanager::Client, &Clock),
    id: String,
    parse: fn(&str) -> Result<T, secrets::IncompleteSecret>,
) -> Arc<dyn Secret<T>> {
    Arc::new(secrets::CachedSecret::new(client.clone(), id, parse, clock.clone()))
}
