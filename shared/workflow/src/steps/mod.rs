//! The steps, a file each. Each is safe to repeat, and each stands once.

mod callback_error;
pub(crate) mod client_account;
mod confirmation;
mod es_callback;
mod key_creation;
mod message_webhook;
mod number_submission;
mod partner_claim;
mod proof;
pub(crate) mod unclear_submission;

pub use callback_error::{CallbackError, RefusalCode};
pub use client_account::ClientAccount;
pub use confirmation::Confirmation;
pub use es_callback::{Callback, EsCallback};
pub use key_creation::KeyCreation;
pub use message_webhook::MessageWebhooks;
pub use number_submission::NumberSubmission;
pub use partner_claim::PartnerClaim;
pub use proof::SignupProof;
