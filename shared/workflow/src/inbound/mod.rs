//! What comes in by webhook: received and kept at once, and applied by the dispatcher.

pub(crate) mod channel_event;
mod outcome;
pub(crate) mod owner;
mod webhook_receipt;

pub use outcome::WebhookOutcome;
pub use webhook_receipt::{Receipt, ReceiptError, WebhookReceipt};
