//! The real handlers of all functions, put together with the local table, the twins of queue and vault, and the simulator.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use client_account::ClientAccount;
use es_callback::EsCallback;
use key_creation::KeyCreation;
use number_submission::NumberSubmission;
use onboardings::Onboardings;
use reconciliation::Reconciliation;
use shared::clock::Clock;
use shared::hub::Hub;
use shared::hub::limit::CallLimit;
use shared::hub::messaging::Messaging;
use shared::queue::{MemoryQueue, Queue};
use shared::secrets::MemorySecrets;
use shared::steps::{self, HubWork, KeyWork};
use shared::store::Store;
use shared::vault::{MemoryVault, Vault};
use shared::{outbound, wiring};
use signup_page::SignupPage;
use webhook_receipt::WebhookReceipt;

use crate::aws::VAULT;
use crate::settings::Settings;

/// All functions.
pub struct Functions {
    /// `GET /signup…`
    pub signup_page: SignupPage,
    /// `/onboardings…`
    pub onboardings: Onboardings,
    /// `POST /onboardings/{id}/es-callback`
    pub es_callback: EsCallback,
    /// `/webhooks/…`
    pub webhook_receipt: WebhookReceipt,
    /// Queue.
    pub client_account: ClientAccount,
    /// Queue.
    pub number_submission: NumberSubmission,
    /// Queue.
    pub key_creation: KeyCreation,
    /// Schedule.
    pub reconciliation: Reconciliation,
}

/// What the functions work on.
#[derive(Clone)]
pub struct World {
    /// The table.
    pub store: Store,
    /// The queues.
    pub queue: MemoryQueue,
    /// The vault.
    pub vault: MemoryVault,
    /// The bundle's secret.
    pub secrets: MemorySecrets,
    /// The time.
    pub clock: Clock,
}

/// What the functions are given of the world. A test can put something between that watches and breaks their calls.
pub struct Outside {
    /// The table.
    pub store: Store,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The vault.
    pub vault: Arc<dyn Vault>,
}

impl From<&World> for Outside {
    fn from(world: &World) -> Self {
        let World { store, queue, vault, .. } = world.clone();
        Self { store, queue: Arc::new(queue), vault: Arc::new(vault) }
    }
}

impl World {
    pub(crate) fn new(client: Client, table: String, queue: MemoryQueue, settings: &Settings, clock: Clock) -> Self {
        Self {
            store: Store::new(client, table, clock.clone()),
            queue,
            vault: MemoryVault::new(VAULT),
            secrets: MemorySecrets::new(settings.secret.clone()),
            clock,
        }
    }
}

impl Functions {
    pub(crate) fn new(world: &World, outside: Outside, settings: Settings) -> Result<Self, wiring::StartError> {
        let World { secrets, clock, .. } = world.clone();
        let Outside { store, queue, vault } = outside;
        let Settings { hub, meta, messaging, page, webhook, .. } = settings;
        let http = outbound::client()?;
        let secrets = Arc::new(secrets);
        let work = HubWork {
            hub: Hub::new(http.clone(), hub.base_url, hub.partner_id, clock.clone())
                .with_client_filter(hub.client_filter),
            limit: CallLimit { calls: hub.call_limit.calls, period: hub.call_limit.per },
            solution_id: hub.solution_id,
            store: store.clone(),
            queue: queue.clone(),
            secrets: secrets.clone(),
            clock: clock.clone(),
        };
        let proof = steps::SignupProof::new(http.clone(), &meta);
        let step = steps::EsCallback {
            proof: proof.clone(),
            store: store.clone(),
            queue: queue.clone(),
            secrets: secrets.clone(),
            clock: clock.clone(),
        };
        Ok(Self {
            signup_page: SignupPage::new(&page, &meta),
            onboardings: Onboardings {
                store: store.clone(),
                queue: queue.clone(),
                secrets: secrets.clone(),
                page: page.clone(),
                meta: meta.clone(),
                clock: clock.clone(),
            },
            es_callback: EsCallback { step, page, meta, clock },
            webhook_receipt: WebhookReceipt {
                step: steps::WebhookReceipt { store, queue, secrets, token_header: webhook.token_header.to_string() },
            },
            client_account: ClientAccount { work: work.clone() },
            number_submission: NumberSubmission { work: work.clone() },
            key_creation: KeyCreation {
                work: KeyWork {
                    work: work.clone(),
                    vault: vault.clone(),
                    messaging: Messaging::new(http, messaging.hosts),
                    message_webhook: messaging.webhook_url,
                },
            },
            reconciliation: Reconciliation { work: steps::Reconciliation { work, proof, vault } },
        })
    }
}
