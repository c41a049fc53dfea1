//! Why a sign-up is not taken, and what every error of Meta, of the table and of the secrets means for it.

use meta_graph::MetaError;
use onboarding::Onboarding;
use secrets::SecretError;
use store::StoreError;
use strum::{IntoStaticStr, VariantArray};

/// Why a callback does not lead on. The onboarding is where it was, and the customer can try again, unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The signup is done already, with another code.
    #[error("this onboarding has a finished signup already")]
    AlreadySignedUp,
    /// The onboarding has ended.
    #[error("this onboarding has ended")]
    Ended,
    /// The same code is being handled at this moment.
    #[error("this callback is being handled already")]
    InProgress,
    /// The code was older than 30 seconds.
    #[error("the code has expired")]
    CodeExpired,
    /// The code was exchanged before.
    #[error("the code has been used")]
    CodeUsed,
    /// The token was lost before Meta said whose sign-up it is: the customer has to finish once more.
    #[error("the sign-up has to be finished once more")]
    OneMoreClick,
    /// There is no unclaimed sign-up of the WABA that the partner names.
    #[error("there is no unclaimed sign-up of this WhatsApp Business Account")]
    NotUnclaimed,
    /// No WABA of the sign-up has a phone number.
    #[error("the WhatsApp Business Account has no phone number")]
    NoNumber,
    /// The number belongs to another onboarding.
    #[error("the number belongs to another onboarding")]
    NumberTaken,
    /// What the browser claims could not be proven.
    #[error("{reason}")]
    Refused {
        /// What could not be proven.
        code: RefusalCode,
        /// A sentence for people.
        reason: String,
    },
    /// Meta or our table is out of reach.
    #[error("{0}")]
    Unavailable(String),
    /// Meta refuses our app, or the edge's secret is not filled in: an operator must act.
    #[error("{0}")]
    Misconfigured(String),
}

/// The stable word for programs under which a signup is refused that could not be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum RefusalCode {
    /// Meta refused the code.
    CodeRefused,
    /// Meta refused another call of the proof.
    MetaRefused,
    /// Too many sign-ups were tried with the link.
    TooManyAttempts,
    /// Meta's token is not valid for our app.
    TokenNotOurs,
    /// Meta did not say which WABA was chosen.
    WabaUnknown,
    /// The WABA was not shared with us.
    WabaNotGranted,
    /// The number is not one of the WABA's.
    NumberNotInWaba,
    /// The number is not the one that the partner expects.
    NumberNotExpected,
    /// The business portfolio is not the one that the partner expects.
    BusinessNotExpected,
}

impl RefusalCode {
    /// Every code.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl CallbackError {
    /// Why an onboarding takes no signup.
    pub(crate) const fn takes_none(onboarding: &Onboarding) -> Self {
        if onboarding.status.is_final() || onboarding.erased_at.is_some() { Self::Ended } else { Self::AlreadySignedUp }
    }

    /// Whether it may pass by itself, or by an operator's hand, so that asking again is worth while.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Misconfigured(_))
    }

    /// Meta's answer takes longer than there is time.
    pub(crate) fn late() -> Self {
        Self::Unavailable("Meta did not answer in time".to_owned())
    }

    /// The stable word under which an attempt and the answer name it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadySignedUp => "already_signed_up",
            Self::Ended => "ended",
            Self::InProgress => "in_progress",
            Self::CodeExpired => "code_expired",
            Self::CodeUsed => "code_used",
            Self::OneMoreClick => "one_more_click",
            Self::NotUnclaimed => "signup_unknown",
            Self::NoNumber => "no_number",
            Self::NumberTaken => "number_taken",
            Self::Refused { code, .. } => code.as_str(),
            Self::Unavailable(_) => "unavailable",
            Self::Misconfigured(_) => "misconfigured",
        }
    }
}

impl From<StoreError> for CallbackError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NumberTaken => Self::NumberTaken,
            StoreError::NotUnclaimed => Self::NotUnclaimed,
            StoreError::Illegal(illegal) if illegal.status.is_final() => Self::Ended,
            StoreError::Illegal(_) => Self::AlreadySignedUp,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<SecretError> for CallbackError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Unavailable(_) => Self::Unavailable(error.to_string()),
            SecretError::Incomplete(_) => Self::Misconfigured(error.to_string()),
        }
    }
}

impl From<MetaError> for CallbackError {
    fn from(error: MetaError) -> Self {
        // Its words are for the log; customers get Meta's own for them, or ours.
        tracing::warn!(%error, "Meta did not confirm the signup");
        let refused = |code, told: Option<String>| {
            let reason = told.unwrap_or_else(|| "Meta did not accept this sign-up. Please try again.".to_owned());
            Self::Refused { code, reason }
        };
        match error {
            MetaError::CodeExpired => Self::CodeExpired,
            MetaError::CodeUsed => Self::CodeUsed,
            MetaError::CodeRefused { .. } => refused(RefusalCode::CodeRefused, None),
            MetaError::Misconfigured { reason } => Self::Misconfigured(reason),
            MetaError::Unclear => Self::Unavailable("Meta did not answer in time".to_owned()),
            MetaError::Retry { reason, .. } => Self::Unavailable(reason),
            MetaError::Refused { user_message, .. } => refused(RefusalCode::MetaRefused, user_message),
        }
    }
}
