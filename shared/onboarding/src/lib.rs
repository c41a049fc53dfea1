#![doc = include_str!("../README.md")]

pub mod call_limit;
mod event;
mod id;
mod record;
mod retry;
mod transition;

pub use event::Event;
pub use exchange::{BusinessId, ChannelId, ClientId, InvalidId, PhoneNumberId, WabaId};
pub use id::OnboardingId;
pub use record::{
    ClientAccount, ClientDetails, ClientSearch, FailureCode, Onboarding, PhoneNumber, PopupAttempt, Problem, Signup,
    Status, Step, StoredKey, Tier,
};
pub use retry::{Retry, backoff, exhausted};
pub use transition::{IllegalTransition, transition};

#[cfg(test)]
mod properties;
