#![doc = include_str!("../README.md")]

mod inbound;
mod runner;
pub mod steps;
mod upkeep;

pub use inbound::{Receipt, ReceiptError, WebhookOutcome, WebhookReceipt};
pub use runner::HubContext;
pub use upkeep::{Reconciled, Reconciliation};

use onboarding::{Onboarding, OnboardingId, Step};
use queue::{Queue, QueueError, Task};

/// Sends an onboarding to the step that moves it on, if one can.
///
/// # Errors
/// The queue's. Nothing is lost then: the record is due, and reconciliation sends it again.
pub async fn send_on(queue: &dyn Queue, onboarding: &Onboarding) -> Result<(), QueueError> {
    match Step::next(onboarding) {
        Some(step) => queue.send(step, &task(&onboarding.id), time::Duration::ZERO).await,
        None => Ok(()),
    }
}

fn task(id: &OnboardingId) -> Task {
    Task::Onboarding { onboarding_id: id.clone(), slot: None }
}
