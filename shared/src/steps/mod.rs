//! The steps: what the functions run. Each is safe to repeat, and each stands once.
//!
//! A step that talks to the Hub is run by [`HubWork`] under a lease, so that no two workers act on one onboarding
//! at once. Wherever it is interrupted, the record says what is left to do, and the queue or reconciliation comes back
//! to it.

mod arrival;
mod channel_event;
mod channel_sweep;
mod client_account;
mod es_callback;
mod hub_work;
mod key_creation;
mod lost_signup;
mod number_submission;
mod proof;
mod reconciliation;
mod stop;
mod webhook_receipt;

pub use es_callback::{Callback, CallbackError, EsCallback};
pub use hub_work::HubWork;
pub use key_creation::KeyWork;
pub use proof::SignupProof;
pub use reconciliation::{Reconciled, Reconciliation};
pub use webhook_receipt::{Receipt, ReceiptError, WebhookReceipt};

use crate::onboarding::{Onboarding, OnboardingId, Status};
use crate::queue::{Queue, QueueError, Task, Worker};

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
