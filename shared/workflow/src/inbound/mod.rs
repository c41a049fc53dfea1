//! What comes in by webhook: received and kept at once, and applied when its turn comes.

pub(crate) mod channel_event;
mod outcome;
mod webhook_receipt;

pub use outcome::WebhookOutcome;
pub use webhook_receipt::{Receipt, ReceiptError, WebhookReceipt};
