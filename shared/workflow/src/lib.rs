#![doc = include_str!("../README.md")]

mod inbound;
mod runner;
mod steps;
mod upkeep;

pub use inbound::{Receipt, ReceiptError, WebhookOutcome, WebhookReceipt};
pub use runner::HubContext;
pub use steps::{
    Callback, CallbackError, ClientAccount, EsCallback, KeyCreation, NumberSubmission, RefusalCode, SignupProof,
};
pub use upkeep::{Reconciled, Reconciliation};

use onboarding::{Onboarding, OnboardingId, Status};
use queue::{Queue, QueueError, Task, Worker};

/// The worker that moves an onboarding on from where it stands; `None` if it waits for somebody else or is at rest.
pub fn next_worker(onboarding: &Onboarding) -> Option<Worker> {
    match onboarding.status {
        Status::Started | Status::NumberChoice if onboarding.client_id().is_none() => Some(Worker::ClientAccount),
        Status::SignedUp => Some(Worker::NumberSubmission),
        Status::Live => Some(Worker::KeyCreation),
        _ => None,
    }
}

/// Sends an onboarding to the worker that moves it on, if one can.
///
/// # Errors
/// The queue's. Nothing is lost then: the record is due, and reconciliation sends it again.
pub async fn send_on(queue: &dyn Queue, onboarding: &Onboarding) -> Result<(), QueueError> {
    match next_worker(onboarding) {
        Some(worker) => queue.send(worker, &task(&onboarding.id), time::Duration::ZERO).await,
        None => Ok(()),
    }
}

fn task(id: &OnboardingId) -> Task {
    Task::Onboarding { onboarding_id: id.clone(), slot: None }
}
