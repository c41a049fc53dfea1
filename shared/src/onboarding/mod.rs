//! The domain: the record of an onboarding, its states, the events that move it and the rule by which they do.
//!
//! Knows no I/O and no other module. [`transition`] is the only way in which a record changes.

mod event;
mod id;
mod record;
mod retry;
mod transition;

pub use event::Event;
pub use id::{BusinessId, ChannelId, ClientId, InvalidId, OnboardingId, PhoneNumberId, WabaId};
pub use record::{
    ClientAccount, ClientDetails, ClientSearch, Onboarding, PhoneNumber, PopupAttempt, Problem, Signup, Status, Step,
    StoredKey, Tier,
};
pub use retry::{Retry, backoff, exhausted};
pub use transition::{IllegalTransition, KEY_REFUSED, transition};

#[cfg(test)]
mod properties;
