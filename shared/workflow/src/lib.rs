#![doc = include_str!("../README.md")]

mod dispatch;
mod inbound;
mod publishing;
mod runner;
pub mod steps;
mod upkeep;

pub use dispatch::{Dispatched, Dispatcher};
pub use inbound::{Receipt, ReceiptError, WebhookOutcome, WebhookReceipt};
pub use publishing::EventPublisher;
pub use runner::HubContext;
pub use upkeep::{Reconciled, Reconciliation, UpkeepContext};
