//! Why a step ends before it is done, and what every error of a client or of our own means for it.

use onboarding::{FailureCode, Step};
use partner_hub::HubError;
use secrets::SecretError;
use store::StoreError;
use time::{Duration, OffsetDateTime};
use vault::VaultError;

/// Why a step ends before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepError {
    /// The permit is void: another message does the work, or will.
    Void,
    /// Nothing is to be done with the permit.
    NothingToDo,
    /// Something failed that may work later.
    Retry { reason: String, after: Option<Duration> },
    /// The Hub refuses our credentials: every onboarding waits for the operator, none fails.
    Unauthorized,
    /// The client has to grant permission.
    Permission { next_at: OffsetDateTime },
    /// It will never work.
    Fail { code: FailureCode, detail: String, retryable: bool },
    /// Our own table or secret is out of reach. The work is due again by itself.
    Unavailable(String),
}

/// A [`StepError`] and the step at which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedStep {
    pub(crate) step: Step,
    pub(crate) error: StepError,
}

impl StepError {
    pub(crate) fn at(self, step: Step) -> FailedStep {
        FailedStep { step, error: self }
    }

    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::NothingToDo => "nothing_to_do",
            Self::Retry { .. } => "delayed",
            Self::Unauthorized => "unauthorized",
            Self::Permission { .. } => "waits_for_permission",
            Self::Fail { .. } => "failed",
            Self::Unavailable(_) => "unavailable",
        }
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Retry { reason, .. } | Self::Unavailable(reason) => Some(reason),
            Self::Fail { detail, .. } => Some(detail),
            Self::Void | Self::NothingToDo | Self::Unauthorized | Self::Permission { .. } => None,
        }
    }
}

impl From<HubError> for StepError {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Retry { reason, retry_after, .. } => Self::Retry { reason, after: retry_after },
            HubError::NotYet { reason } => Self::Retry { reason, after: None },
            HubError::Unauthorized => Self::Unauthorized,
            HubError::Permission { reason } => Self::Fail {
                code: FailureCode::HubRefused,
                detail: format!("The Hub answered 403: {reason}"),
                retryable: true,
            },
            HubError::Permanent { status, reason } => Self::Fail {
                code: FailureCode::HubRefused,
                detail: format!("The Hub answered {status}: {reason}"),
                retryable: true,
            },
        }
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Illegal(_) | StoreError::ChannelTaken | StoreError::NumberTaken => {
                Self::Fail { code: FailureCode::Conflict, detail: error.to_string(), retryable: true }
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<SecretError> for StepError {
    fn from(error: SecretError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<VaultError> for StepError {
    fn from(error: VaultError) -> Self {
        Self::Retry { reason: error.to_string(), after: None }
    }
}

/// The failure of a step whose key the messaging API refuses.
pub(crate) const fn key_refused(detail: String) -> StepError {
    StepError::Fail { code: FailureCode::KeyRefused, detail, retryable: true }
}
