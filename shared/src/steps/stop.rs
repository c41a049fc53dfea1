//! Why a step ends before it is done, and what every error of a client or of our own means for it.

use time::{Duration, OffsetDateTime};

use crate::hub::HubError;
use crate::hub::limit::Slot;
use crate::onboarding::{KEY_REFUSED, Step};
use crate::queue::QueueError;
use crate::secrets::SecretsError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Why a step ends before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The Hub takes no more calls for now.
    Wait { until: OffsetDateTime, slot: Option<Slot> },
    /// Something failed that may work later.
    Retry { reason: String, after: Option<Duration> },
    /// The Hub refuses our credentials: every onboarding waits for the operator, none fails.
    Unauthorized,
    /// The client has to grant permission. A webhook or reconciliation brings us back; the queue does not.
    Permission { next_at: OffsetDateTime },
    /// It will never work.
    Fail { code: &'static str, detail: String, retryable: bool },
    /// Our own table, queue or secret is out of reach: the queue delivers the message again.
    Unavailable(String),
}

/// A [`Stop`] and the step at which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Halt {
    pub(super) step: Step,
    pub(super) stop: Stop,
}

impl Stop {
    pub(super) fn at(self, step: Step) -> Halt {
        Halt { step, stop: self }
    }

    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Wait { .. } => "waits_for_turn",
            Self::Retry { .. } => "delayed",
            Self::Unauthorized => "unauthorized",
            Self::Permission { .. } => "waits_for_permission",
            Self::Fail { .. } => "failed",
            Self::Unavailable(_) => "unavailable",
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Retry { reason, .. } | Self::Unavailable(reason) => Some(reason),
            Self::Fail { detail, .. } => Some(detail),
            Self::Wait { .. } | Self::Unauthorized | Self::Permission { .. } => None,
        }
    }
}

impl From<HubError> for Stop {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Retry { reason, retry_after, .. } => Self::Retry { reason, after: retry_after },
            HubError::NotYet { reason } => Self::Retry { reason, after: None },
            HubError::Unauthorized => Self::Unauthorized,
            HubError::Permission { reason } => {
                Self::Fail { code: "hub_refused", detail: format!("The Hub answered 403: {reason}"), retryable: true }
            }
            HubError::Permanent { status, reason } => Self::Fail {
                code: "hub_refused",
                detail: format!("The Hub answered {status}: {reason}"),
                retryable: true,
            },
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Illegal(_) | StoreError::ChannelTaken | StoreError::NumberTaken => {
                Self::Fail { code: "conflict", detail: error.to_string(), retryable: true }
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<SecretsError> for Stop {
    fn from(error: SecretsError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<QueueError> for Stop {
    fn from(error: QueueError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<VaultError> for Stop {
    fn from(error: VaultError) -> Self {
        Self::Retry { reason: error.to_string(), after: None }
    }
}

/// The problem code under which a refused key is recorded.
pub(super) const fn key_refused(detail: String) -> Stop {
    Stop::Fail { code: KEY_REFUSED, detail, retryable: true }
}
