#![doc = include_str!("../README.md")]

mod channel_end;
mod client_account;
mod delivery;
mod endpoint;
mod erasure;
mod event;
mod id;
mod key;
pub mod limiter;
mod link;
mod options;
mod overdue;
mod partner_event;
mod problem;
mod record;
mod requester;
mod retention;
mod retry;
mod signup;
mod status;
mod step;
mod submission;
mod transition;
mod work;

pub use channel_end::{ChannelEnd, Wanted};
pub use client_account::{ClientAccount, ClientDetails, ClientSearch};
pub use delivery::{BusDelivery, Delivery, Try, WebhookDelivery, WebhookState};
pub use endpoint::{Endpoint, EndpointState};
pub use event::Event;
pub use exchange::{BusinessId, ChannelId, ClientId, InvalidId, PhoneNumberId, WabaId};
pub use id::{EventId, ImportId, OnboardingId};
pub use key::{KeyRotation, StoredKey};
pub use link::FormerLink;
pub use options::{Connection, MessageWebhook};
pub use overdue::LongestWaits;
pub use partner_event::{EventType, PartnerEvent};
pub use problem::{FailureCode, Problem};
pub use record::{Onboarding, Tier};
pub use requester::{RequestToken, Requester};
pub use retry::{REFUSALS_APART, Refusal, Retry, backoff};
pub use signup::{Confirmation, OfferedNumber, PhoneNumber, PopupAttempt, Signup, SignupSource};
pub use status::Status;
pub use step::{Step, StepSpec};
pub use submission::{Submission, UnclearSubmission};
pub use transition::{IllegalTransition, MAX_POPUP_ATTEMPTS, transition};
pub use work::{CONFIRMED_WITHIN, Class, HOLD, Work};

#[cfg(test)]
mod properties;
