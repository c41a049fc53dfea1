//! The steps: the only list. Queues, workers, retries and the API read what they need to know of a step from here.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::record::Onboarding;
use super::status::Status;

/// One unit of work towards the key, safe to repeat.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Step {
    /// Find or create the client account at the Hub.
    ClientAccount,
    /// Exchange the code at Meta and prove the signup.
    EsCallback,
    /// Submit the number to the Hub.
    NumberSubmission,
    /// Create the API key, store it, set the message webhook.
    KeyCreation,
}

/// What the bundle has to know of a step.
#[derive(Debug, Clone, Copy)]
pub struct StepSpec {
    /// The variable that holds the URL of its queue, which its own function works off; `None` if it is done while its
    /// request waits.
    pub queue: Option<&'static str>,
    /// Whether it is still to be done. Only then does its failure change the record.
    pub is_open: fn(&Onboarding) -> bool,
    /// What customers read if it has failed for good.
    pub failed: &'static str,
}

impl Step {
    /// Every step, in the order of a smooth journey.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Every step that has a queue, in the order of a smooth journey.
    pub fn queued() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|step| step.spec().queue.is_some())
    }

    /// What the bundle has to know of it.
    pub const fn spec(self) -> StepSpec {
        match self {
            Self::ClientAccount => StepSpec {
                queue: Some("CLIENT_ACCOUNT_QUEUE_URL"),
                is_open: |onboarding| onboarding.client_id().is_none() && !onboarding.status.is_at_rest(),
                failed: "Your account at 360dialog could not be set up.",
            },
            Self::EsCallback => {
                StepSpec { queue: None, is_open: |_| false, failed: "Your sign-up at Meta could not be confirmed." }
            }
            Self::NumberSubmission => StepSpec {
                queue: Some("NUMBER_SUBMISSION_QUEUE_URL"),
                is_open: |onboarding| onboarding.status == Status::SignedUp,
                failed: "360dialog could not take over your number.",
            },
            Self::KeyCreation => StepSpec {
                queue: Some("KEY_CREATION_QUEUE_URL"),
                is_open: |onboarding| {
                    matches!(onboarding.status, Status::Live | Status::PermissionRequired)
                        || onboarding.key_rotation.is_some()
                        || (onboarding.key_deletion_due_at.is_some() && onboarding.key_deleted_at.is_none())
                },
                failed: "Your number is live, but the last settings did not work.",
            },
        }
    }
}
