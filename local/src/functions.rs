//! The real functions, built by their own constructors from the twins of AWS's services and the simulator's settings.

use std::sync::Arc;

use async_trait::async_trait;
use client_account::ClientAccount;
use es_callback::EsCallback;
use exchange::Clock;
use key_creation::KeyCreation;
use number_submission::NumberSubmission;
use onboardings::Onboardings;
use queue::{MemoryQueue, Queue, QueueError, Step, Task};
use reconciliation::Reconciliation;
use runtime::settings::{Env, HubConfig, WebhookConfig};
use runtime::worker::WorkerError;
use runtime::{Dependencies, Ports};
use secrets::{BundleSecret, MemorySecrets};
use signup_page::SignupPage;
use store::Store;
use time::Duration;
use vault::MemoryVault;
use webhook_receipt::WebhookReceipt;

use crate::aws::VAULT;

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

/// Table, queues, vault, secret and clock in memory.
#[derive(Clone)]
pub struct Twins {
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

impl From<&Twins> for Ports {
    fn from(twins: &Twins) -> Self {
        let Twins { store, queue, vault, secrets, .. } = twins.clone();
        Self { store, queue: Arc::new(queue), vault: Arc::new(vault), secrets: Arc::new(secrets) }
    }
}

impl Twins {
    pub(crate) fn new(store: Store, queue: MemoryQueue, secret: BundleSecret, clock: Clock) -> Self {
        Self { store, queue, vault: MemoryVault::new(VAULT), secrets: MemorySecrets::new(secret), clock }
    }
}

/// The queues of some steps alone: of the others a function on AWS does not know the URL.
struct OnlyTo {
    queue: Arc<dyn Queue>,
    steps: &'static [Step],
}

#[async_trait]
impl Queue for OnlyTo {
    async fn send(&self, step: Step, task: &Task, delay: Duration) -> Result<(), QueueError> {
        if !self.steps.contains(&step) {
            return Err(QueueError::NotConfigured(step));
        }
        self.queue.send(step, task, delay).await
    }
}

impl Functions {
    /// Builds every function as its `main.rs` does, with settings read from `env`.
    pub(crate) fn new(dependencies: &Dependencies, mut env: Env) -> Result<Self, crate::Error> {
        let signup_page = signup_page::Settings::read(&mut env);
        let onboardings = onboardings::Settings::read(&mut env);
        let es_callback = es_callback::Settings::read(&mut env);
        let webhook_receipt = WebhookConfig::read(&mut env);
        let (client_account, number_submission) = (HubConfig::read(&mut env), HubConfig::read(&mut env));
        let key_creation = key_creation::Settings::read(&mut env);
        let reconciliation = reconciliation::Settings::read(&mut env);
        let sending_to = |steps| {
            let queue = Arc::clone(&dependencies.queue);
            dependencies.with_queue(Arc::new(OnlyTo { queue, steps }))
        };
        let functions = env.finish(|| {
            Ok(Self {
                signup_page: SignupPage::new(&signup_page?),
                onboardings: Onboardings::new(&sending_to(onboardings::SENDS_TO), onboardings?),
                es_callback: EsCallback::new(&sending_to(es_callback::SENDS_TO), es_callback?),
                webhook_receipt: WebhookReceipt::new(&sending_to(webhook_receipt::SENDS_TO), &webhook_receipt?),
                client_account: ClientAccount::new(&sending_to(client_account::SENDS_TO), client_account?),
                number_submission: NumberSubmission::new(&sending_to(number_submission::SENDS_TO), number_submission?),
                key_creation: KeyCreation::new(&sending_to(key_creation::SENDS_TO), key_creation?),
                reconciliation: Reconciliation::new(&sending_to(reconciliation::SENDS_TO), reconciliation?),
            })
        });
        Ok(functions?)
    }

    /// Hands a message of a step's queue to the function that works it off.
    ///
    /// # Errors
    /// If the message must be delivered again.
    pub(crate) async fn work(&self, step: Step, task: Task) -> Result<(), WorkerError> {
        match step {
            Step::ClientAccount => self.client_account.handle(task).await,
            Step::NumberSubmission => self.number_submission.handle(task).await,
            Step::KeyCreation => self.key_creation.handle(task).await,
            Step::EsCallback => Err(WorkerError("this step has no queue".to_owned())),
        }
    }
}
