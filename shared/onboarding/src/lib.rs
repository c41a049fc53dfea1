#![doc = include_str!("../README.md")]

pub mod call_limit;
mod event;
mod id;
mod overdue;
mod record;
mod retry;
mod step;
mod timing;
mod transition;

pub use event::Event;
pub use exchange::{BusinessId, ChannelId, ClientId, InvalidId, PhoneNumberId, WabaId};
pub use id::OnboardingId;
pub use overdue::LongestWaits;
pub use record::{
    ClientAccount, ClientDetails, ClientSearch, FailureCode, Onboarding, PhoneNumber, PopupAttempt, Problem, Signup,
    Status, StoredKey, Tier,
};
pub use retry::{Retry, backoff};
pub use step::{Step, StepQueue, StepSpec};
pub use timing::{LEASE, LONGEST_QUEUE_DELAY, QUEUE_GRACE};
pub use transition::{IllegalTransition, MAX_POPUP_ATTEMPTS, transition};

#[cfg(test)]
mod properties;
