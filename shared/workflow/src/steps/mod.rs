//! The steps, a file each. Each is safe to repeat, and each stands once.

pub(crate) mod client_account;
pub(crate) mod es_callback;
mod key_creation;
mod number_submission;
pub(crate) mod proof;
mod unclear_submission;

pub use client_account::ClientAccount;
pub use es_callback::{Callback, CallbackError, EsCallback, RefusalCode};
pub use key_creation::KeyCreation;
pub use number_submission::NumberSubmission;
pub use proof::SignupProof;
