//! What can go wrong at Meta, sorted once by what a caller can do about it.

use std::fmt;

use exchange::{Lenient, Text, object, one_line};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use time::Duration;

/// Longest text of Meta's that is passed on, in characters.
const TEXT: usize = 300;

/// Why a call to Meta did not succeed. No variant holds a code, a token or a secret, even where Meta's own text repeated it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// Try again later: Meta is busy or out of reach, or its answer could not be read. After an exchange, later means with a new
    /// code: the old one lives for 30 seconds, and whether a busy Meta has counted its use is not documented.
    #[error("Meta did not answer usefully: {reason}")]
    Retry {
        /// For the log.
        reason: String,
        /// Not before this long, where Meta named a time.
        retry_after: Option<Duration>,
    },
    /// The code is older than 30 seconds: let the customer open the popup again.
    #[error("the code has expired")]
    CodeExpired,
    /// The code was exchanged before: look whether that was us.
    #[error("the code has been used before")]
    CodeUsed,
    /// Meta does not take the code for one of this app's: let the customer open the popup again.
    #[error("Meta refused the code: {reason}")]
    CodeRefused {
        /// For the log.
        reason: String,
    },
    /// The exchange was sent and nothing readable came back: the code may be spent. Never send it again.
    #[error("it is unclear whether the code was exchanged")]
    Unclear,
    /// Only the operator can help: the app's id, secret or settings are wrong.
    #[error("the app is set up wrongly: {reason}")]
    Misconfigured {
        /// For the operator.
        reason: String,
    },
    /// Meta refused for good, in its own words (its envelope `error`), for example because the token
    /// does not reach the WABA. The same status with any other body comes from something before Meta and is a
    /// [`Retry`](Self::Retry).
    #[error("Meta refused: {reason}")]
    Refused {
        /// Meta's `code`.
        code: Option<i64>,
        /// Meta's `error_subcode`.
        subcode: Option<i64>,
        /// For the log.
        reason: String,
        /// For the customer, in the customer's language. Text, never HTML.
        user_title: Option<String>,
        /// For the customer, in the customer's language. Text, never HTML.
        user_message: Option<String>,
    },
}

impl MetaError {
    /// A 2xx answer that lacks what was asked for.
    pub(super) fn unreadable() -> Self {
        Failure::Unreadable.into()
    }
}

/// How one request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// No whole answer came.
    Exchange(exchange::Failure),
    /// It succeeded, going by the status, but the answer cannot be read.
    Unreadable,
    /// Meta said no.
    Refused(Box<ServiceError>),
}

impl Failure {
    /// Whether the same call may succeed within a second. A time-out has cost a waiting customer enough, and a limit that is
    /// lifted in minutes is not lifted in milliseconds.
    pub(super) fn may_pass_soon(&self) -> bool {
        match self {
            Self::Exchange(failure) => {
                matches!(failure, exchange::Failure::NotConnected | exchange::Failure::Interrupted)
            }
            Self::Refused(refusal) => refusal.retry_after.is_none() && refusal.classify() == Classification::Retry,
            Self::Unreadable => false,
        }
    }

    /// What a failed exchange means. A code is good for one use, so whatever may have reached Meta without a clear answer is
    /// [`MetaError::Unclear`].
    pub(super) fn of_exchange(self) -> MetaError {
        let refusal = match self {
            Self::Refused(refusal) if refusal.error.is_some() => refusal,
            Self::Exchange(failure) if !failure.may_have_arrived() => return self.into(),
            Self::Exchange(_) | Self::Unreadable | Self::Refused(_) => return MetaError::Unclear,
        };
        match (refusal.code(), refusal.subcode()) {
            (_, Some(36009)) => MetaError::CodeUsed,
            (_, Some(36007)) => MetaError::CodeExpired,
            (Some(100), _) if refusal.classify() == Classification::Final => {
                MetaError::CodeRefused { reason: refusal.to_string() }
            }
            _ => (*refusal).into(),
        }
    }
}

impl From<Failure> for MetaError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Exchange(failure @ exchange::Failure::NotBuilt) => {
                Self::Misconfigured { reason: format!("{failure}; is there a line break in a token?") }
            }
            Failure::Exchange(exchange::Failure::TooLarge) => Self::unreadable(),
            Failure::Exchange(failure) => Self::Retry { reason: failure.to_string(), retry_after: None },
            Failure::Unreadable => {
                Self::Retry { reason: "the answer lacks what was asked for".to_owned(), retry_after: None }
            }
            Failure::Refused(refusal) => (*refusal).into(),
        }
    }
}

/// An answer with an error.
#[derive(Debug)]
pub(super) struct ServiceError {
    pub(super) status: StatusCode,
    /// Absent where the answer was not Meta's envelope.
    pub(super) error: Option<GraphError>,
    pub(super) retry_after: Option<Duration>,
}

/// Who can do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Classification {
    /// Our app is set up wrongly.
    Operator,
    /// It may pass.
    Retry,
    /// The same call never succeeds.
    Final,
}

impl ServiceError {
    pub(super) fn code(&self) -> Option<i64> {
        self.error.as_ref()?.code
    }

    fn subcode(&self) -> Option<i64> {
        self.error.as_ref()?.subcode
    }

    /// Sorts by what says most about this very error: the app's own mistakes, Meta's word that it will pass, the code, and last
    /// the HTTP status. Without the envelope it is not Meta who speaks. Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling>.
    fn classify(&self) -> Classification {
        let secret_refused =
            self.error.as_ref().is_some_and(|error| error.message.to_ascii_lowercase().contains("client secret"));
        match self.code() {
            // 1 is "unknown, try again" but for the one text. 101: no such app; 104: wrong proof; 191: redirect not allowed.
            Some(1) if secret_refused => Classification::Operator,
            Some(101 | 104 | 191) => Classification::Operator,
            _ if self.error.as_ref().is_some_and(|error| error.is_transient) => Classification::Retry,
            // Busy or limited; some of these come with HTTP 400.
            Some(
                1 | 2 | 4 | 17 | 32 | 341 | 80_007 | 80_008 | 130_429 | 131_000 | 131_016 | 131_057 | 133_004
                | 2_494_100,
            ) => Classification::Retry,
            // Tokens, permissions, parameters, blocked accounts: no repetition changes them, whatever the HTTP status.
            Some(
                0 | 3 | 10 | 100 | 102 | 190 | 200..=299 | 368 | 131_005 | 131_031 | 133_000..=133_999 | 1_752_041,
            ) => Classification::Final,
            _ if self.error.is_none() => Classification::Retry,
            _ if self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error() => Classification::Retry,
            _ => Classification::Final,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(f, "{error}, HTTP {}", self.status.as_u16()),
            None => write!(f, "HTTP {}, no error envelope", self.status.as_u16()),
        }
    }
}

impl From<ServiceError> for MetaError {
    fn from(refusal: ServiceError) -> Self {
        let reason = refusal.to_string();
        match refusal.classify() {
            Classification::Operator => Self::Misconfigured { reason },
            Classification::Retry => Self::Retry { reason, retry_after: refusal.retry_after },
            Classification::Final => Self::Refused {
                code: refusal.code(),
                subcode: refusal.subcode(),
                reason,
                user_title: refusal.error.as_ref().and_then(|error| error.user_title.clone()),
                user_message: refusal.error.and_then(|error| error.user_message),
            },
        }
    }
}

/// Meta's error envelope, `{"error": {…}}`, as far as it says anything.
#[derive(Debug)]
pub(super) struct GraphError {
    message: String,
    code: Option<i64>,
    subcode: Option<i64>,
    is_transient: bool,
    trace: Option<String>,
    user_title: Option<String>,
    user_message: Option<String>,
}

/// The members of `error`, which a few answers have as a text instead.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorShape {
    message: Text,
    /// A number, or a text of its digits.
    code: Value,
    /// The same.
    error_subcode: Value,
    is_transient: Lenient<bool>,
    /// `{details}`, or a text.
    error_data: Value,
    fbtrace_id: Text,
    error_user_title: Text,
    error_user_msg: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DataShape {
    details: Text,
}

impl GraphError {
    /// Reads the envelope, if there is one. Meta's texts may repeat a token ("Malformed access token …"), so `hidden` is struck out.
    pub(super) fn read(answer: &Value, hidden: &[&str]) -> Option<Self> {
        let error = answer.get("error").filter(|error| !error.is_null())?;
        let clean = |text: Text| {
            let mut text = text.0?;
            for secret in hidden.iter().filter(|secret| !secret.is_empty()) {
                text = text.replace(secret, "***");
            }
            Some(one_line(&text, TEXT))
        };
        let number = |value: Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
        let shape: ErrorShape = object(error.clone());
        let message = clean(shape.message).or_else(|| clean(error.clone().into()));
        let details = object::<DataShape>(shape.error_data.clone()).details;
        let details = clean(details).or_else(|| clean(shape.error_data.into()));
        Some(Self {
            message: [message, details].into_iter().flatten().collect::<Vec<_>>().join("; "),
            code: number(shape.code),
            subcode: number(shape.error_subcode),
            is_transient: shape.is_transient.0,
            trace: clean(shape.fbtrace_id),
            user_title: clean(shape.error_user_title),
            user_message: clean(shape.error_user_msg),
        })
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.message.is_empty() { "no message" } else { &self.message })?;
        for (name, number) in [("code", self.code), ("subcode", self.subcode)] {
            if let Some(number) = number {
                write!(f, ", {name} {number}")?;
            }
        }
        self.trace.as_ref().map_or(Ok(()), |trace| write!(f, ", fbtrace_id {trace}"))
    }
}
