//! Why an onboarding failed.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::step::Step;

/// The stable word for programs under which a [`Problem`] is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FailureCode {
    /// The Hub refused to create the client account.
    ClientRefused,
    /// The Hub refused the number, or has it under another client account.
    NumberRefused,
    /// The channel was there before us and has an API key already, which a new one would revoke. Only the partner's word
    /// leads on: a retry with `replace_key`.
    ChannelHasKey,
    /// The Hub refused another call.
    HubRefused,
    /// The record does not allow what the step found at the Hub.
    Conflict,
    /// The messaging API does not accept the API key. An operator's retry makes a new key.
    KeyRefused,
    /// The messaging API refused the message webhook.
    MessageWebhookRefused,
    /// The key may not be sent to the address that the Hub named for the messaging API.
    MessagingAddressForbidden,
}

impl FailureCode {
    /// Every code.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it is what another system answered. Such an answer is final only when it comes again, minutes later: it may
    /// have been an accident of a moment.
    pub const fn is_answer(self) -> bool {
        match self {
            Self::ClientRefused
            | Self::NumberRefused
            | Self::HubRefused
            | Self::KeyRefused
            | Self::MessageWebhookRefused => true,
            Self::ChannelHasKey | Self::Conflict | Self::MessagingAddressForbidden => false,
        }
    }
}

/// Why an onboarding is [`Status::Failed`](super::Status::Failed).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The step that failed.
    pub step: Step,
    /// A [`FailureCode`], or the code of another release.
    pub code: String,
    /// A sentence for the operator.
    pub detail: String,
    /// Whether trying again without changing anything may help.
    pub retryable: bool,
}
