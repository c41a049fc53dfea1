//! How a function is put together at its start: settings read once, clients built once, connections opened during INIT.

use std::sync::Arc;

use aws_config::SdkConfig;

use crate::clock::Clock;
use crate::config::{Env, HubConfig, Incomplete, QueueConfig, SecretConfig, TableConfig, VaultConfig};
use crate::hub::Hub;
use crate::hub::limit::CallLimit;
use crate::queue::{Queue, SqsQueue, Worker};
use crate::secrets::{CachedSecrets, Secrets, SecretsError};
use crate::steps::HubWork;
use crate::store::Store;
use crate::vault::{SecretsManagerVault, Vault};
use crate::{aws, outbound};

/// Why a function does not start. Lambda logs it.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// The AWS side of a function. All clients share one configuration.
pub struct Aws {
    /// The one HTTP client, also for the Hub, Meta and the messaging API.
    pub http: reqwest::Client,
    sdk: SdkConfig,
    clock: Clock,
}

impl Aws {
    /// Loads region and credentials.
    ///
    /// # Errors
    /// [`StartError`], if the TLS library cannot be set up.
    pub async fn load() -> Result<Self, StartError> {
        let http = outbound::client()?;
        Ok(Self { sdk: aws::load(http.clone()).await, http, clock: Clock::system() })
    }

    /// The table.
    pub fn store(&self, config: TableConfig) -> Store {
        Store::new(aws::dynamodb(&self.sdk), config.name, self.clock.clone())
    }

    /// The queues.
    pub fn queue(&self, config: QueueConfig) -> Arc<dyn Queue> {
        Arc::new(SqsQueue::new(aws::sqs(&self.sdk), config))
    }

    /// The bundle's secret.
    pub fn secrets(&self, config: SecretConfig) -> Arc<dyn Secrets> {
        Arc::new(CachedSecrets::new(aws::secrets_manager(&self.sdk), config, self.clock.clone()))
    }

    /// The vault.
    pub fn vault(&self, config: VaultConfig) -> Arc<dyn Vault> {
        Arc::new(SecretsManagerVault::new(aws::secrets_manager(&self.sdk), config))
    }
}

/// Settings of the functions that call the Hub.
#[derive(Debug, Clone)]
pub struct HubSettings {
    hub: HubConfig,
    table: TableConfig,
    secret: SecretConfig,
    queues: QueueConfig,
}

impl HubSettings {
    /// Reads the sections; the function sends to the queues of these workers.
    pub fn read(env: &mut Env, workers: &[Worker]) -> Result<Self, Incomplete> {
        let (hub, table) = (HubConfig::read(env), TableConfig::read(env));
        let (secret, queues) = (SecretConfig::read(env), QueueConfig::read(env, workers));
        Ok(Self { hub: hub?, table: table?, secret: secret?, queues: queues? })
    }
}

/// Builds what the functions that call the Hub share, and opens its connections.
///
/// # Errors
/// [`StartError`], if the bundle's secret is not filled in.
pub async fn hub_work(aws: &Aws, settings: HubSettings) -> Result<HubWork, StartError> {
    let HubSettings { hub, table, secret, queues } = settings;
    let work = HubWork {
        hub: Hub::new(aws.http.clone(), hub.base_url, hub.partner_id, aws.clock.clone())
            .with_client_filter(hub.client_filter),
        limit: CallLimit { calls: hub.call_limit.calls, period: hub.call_limit.per },
        solution_id: hub.solution_id,
        store: aws.store(table),
        queue: aws.queue(queues),
        secrets: aws.secrets(secret),
        clock: aws.clock.clone(),
    };
    warm(&work.store, &*work.secrets).await?;
    Ok(work)
}

/// Fetches the bundle's secret and opens the connection to the table, at the same time, while INIT has a whole CPU.
///
/// # Errors
/// [`StartError`], if the secret is not filled in. What is only out of reach is left to the first invocation.
pub async fn warm(store: &Store, secrets: &dyn Secrets) -> Result<(), StartError> {
    let (table, bundle) = tokio::join!(store.warm(), secrets.bundle());
    if let Err(error) = table {
        tracing::warn!(%error, "table not reached at start");
    }
    match bundle {
        Err(error @ SecretsError::Incomplete(_)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "secret not reached at start");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}
