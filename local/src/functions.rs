//! The real functions, built by their own constructors from the twins of AWS's services and the simulator's settings.

use std::sync::Arc;
use std::time::Instant;

use client_account::ClientAccount;
use dispatcher::Dispatcher;
use es_callback::EsCallback;
use event_bus::MemoryBus;
use event_publisher::EventPublisher;
use exchange::Clock;
use key_creation::KeyCreation;
use number_submission::NumberSubmission;
use onboardings::Onboardings;
use queue::{MemoryQueue, QueueName, Step, Task};
use reconciliation::Reconciliation;
use runtime::settings::{DispatcherConfig, Env, EventConfig, HubConfig, WebhookConfig};
use runtime::worker::WorkerError;
use runtime::{Dependencies, Ports};
use secrecy::ExposeSecret;
use secrets::{BundleSecret, HeaderKeys, MemorySecret, SealingKeys, WorkerSecret};
use signup_page::SignupPage;
use store::Store;
use vault::MemoryVault;
use webhook_receipt::WebhookReceipt;

use crate::aws::VAULT;
use crate::settings::SecretValues;

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
    /// Queue.
    pub event_publisher: EventPublisher,
    /// Schedule.
    pub reconciliation: Reconciliation,
    /// Stream and schedule.
    pub dispatcher: Dispatcher,
}

/// Table, queues, event bus, vault, secrets and clock in memory.
#[derive(Clone)]
pub struct Twins {
    /// The table.
    pub store: Store,
    /// The queues.
    pub queue: MemoryQueue,
    /// The event bus.
    pub bus: MemoryBus,
    /// The vault.
    pub vault: MemoryVault,
    /// The edge's secret.
    pub bundle: MemorySecret<BundleSecret>,
    /// The workers' secret.
    pub worker: MemorySecret<WorkerSecret>,
    /// The sealing keys.
    pub sealing: MemorySecret<SealingKeys>,
    /// The keys of headers.
    pub header_keys: MemorySecret<HeaderKeys>,
    /// The time.
    pub clock: Clock,
}

impl From<&Twins> for Ports {
    fn from(twins: &Twins) -> Self {
        let Twins { store, queue, bus, vault, bundle, worker, sealing, header_keys, .. } = twins.clone();
        Self {
            store,
            queue: Arc::new(queue),
            bus: Arc::new(bus),
            vault: Arc::new(vault),
            bundle: Arc::new(bundle),
            worker: Arc::new(worker),
            sealing: Arc::new(sealing),
            header_keys: Arc::new(header_keys),
        }
    }
}

impl Twins {
    #[expect(clippy::disallowed_methods, reason = "made-up secrets, read as on AWS")]
    pub(crate) fn new(
        store: Store,
        queue: MemoryQueue,
        secrets: &SecretValues,
        clock: Clock,
    ) -> Result<Self, crate::Error> {
        let bundle = MemorySecret::new(BundleSecret::parse(secrets.bundle.expose_secret())?);
        let worker = MemorySecret::new(WorkerSecret::parse(secrets.worker.expose_secret())?);
        let sealing = MemorySecret::new(SealingKeys::parse(secrets.sealing.expose_secret())?);
        let header_keys = MemorySecret::new(HeaderKeys::parse(secrets.header_keys.expose_secret())?);
        let (bus, vault) = (MemoryBus::default(), MemoryVault::new(VAULT));
        Ok(Self { store, queue, bus, vault, bundle, worker, sealing, header_keys, clock })
    }
}

impl Functions {
    /// Builds every function as its `main.rs` does, with settings read from `env`. `given`: the dependencies of the function
    /// that the template calls so.
    pub(crate) fn new(given: impl Fn(&'static str) -> Dependencies, mut env: Env) -> Result<Self, crate::Error> {
        let signup_page = signup_page::Settings::read(&mut env);
        let onboardings = onboardings::Settings::read(&mut env);
        let es_callback = es_callback::Settings::read(&mut env);
        let webhook_receipt = WebhookConfig::read(&mut env);
        let client_account = HubConfig::read(&mut env);
        let number_submission = number_submission::Settings::read(&mut env);
        let key_creation = key_creation::Settings::read(&mut env);
        let event_publisher = EventConfig::read(&mut env);
        let reconciliation = reconciliation::Settings::read(&mut env);
        let dispatcher = DispatcherConfig::read(&mut env);
        let read = env.finish(|| {
            let edge = (signup_page?, onboardings?, es_callback?, webhook_receipt?);
            let workers = (client_account?, number_submission?, key_creation?, event_publisher?);
            Ok((edge, workers, reconciliation?, dispatcher?))
        })?;
        let ((signup_page, onboardings, es_callback, webhook_receipt), workers, reconciliation, dispatcher) = read;
        let (client_account, number_submission, key_creation, event_publisher) = workers;
        Ok(Self {
            signup_page: SignupPage::new(&signup_page),
            onboardings: Onboardings::new(&given("Onboardings"), onboardings),
            es_callback: EsCallback::new(&given("EsCallback"), es_callback),
            webhook_receipt: WebhookReceipt::new(&given("WebhookReceipt"), &webhook_receipt),
            client_account: ClientAccount::new(&given("ClientAccount"), client_account),
            number_submission: NumberSubmission::new(&given("NumberSubmission"), number_submission),
            key_creation: KeyCreation::new(&given("KeyCreation"), key_creation),
            event_publisher: EventPublisher::new(&given("EventPublisher"), event_publisher)?,
            reconciliation: Reconciliation::new(&given("Reconciliation"), reconciliation),
            dispatcher: Dispatcher::new(&given("Dispatcher"), dispatcher),
        })
    }

    /// Hands a message of a queue to the function that works it off.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub(crate) async fn work(
        &self,
        queue: QueueName,
        task: Task,
        deadline: Option<Instant>,
    ) -> Result<(), WorkerError> {
        match queue {
            QueueName::Step(Step::ClientAccount) => self.client_account.handle(task, deadline).await,
            QueueName::Step(Step::NumberSubmission) => self.number_submission.handle(task, deadline).await,
            QueueName::Step(Step::KeyCreation) => self.key_creation.handle(task, deadline).await,
            QueueName::Step(Step::EsCallback) => Err(WorkerError("this step has no queue".to_owned())),
            QueueName::Deliveries => self.event_publisher.handle(task, deadline).await,
        }
    }
}
