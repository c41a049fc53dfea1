#![doc = include_str!("../README.md")]

mod event;
mod id;
pub mod limiter;
mod overdue;
mod record;
mod retention;
mod retry;
mod step;
mod transition;
mod work;

pub use event::Event;
pub use exchange::{BusinessId, ChannelId, ClientId, InvalidId, PhoneNumberId, WabaId};
pub use id::OnboardingId;
pub use overdue::LongestWaits;
pub use record::{
    ClientAccount, ClientDetails, ClientSearch, Confirmation, FailureCode, OfferedNumber, Onboarding, PhoneNumber,
    PopupAttempt, Problem, Signup, SignupSource, Status, StoredKey, Submission, Tier, UnclearSubmission,
};
pub use retry::{REFUSALS_APART, Refusal, Retry, backoff};
pub use step::{Step, StepSpec};
pub use transition::{IllegalTransition, MAX_POPUP_ATTEMPTS, transition};
pub use work::{CONFIRMED_WITHIN, Class, HOLD, Work};

#[cfg(test)]
mod properties;
