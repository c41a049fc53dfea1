//! Problems, as the API answers them: `application/problem+json` of RFC 9457 with a stable `code`.

use std::fmt::Display;

use lambda_http::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use onboarding::{Onboarding, Status};
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use super::answer;

/// The stable word for programs that a [`Problem`] carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ProblemCode {
    /// No such route, no such onboarding, or not with this token.
    NotFound,
    /// The back-end token is missing or wrong.
    Unauthorized,
    /// The webhook is not authentic.
    NotAuthentic,
    /// There is no number to be chosen, or another one was chosen before.
    NotChoosable,
    /// The body is over 64 KiB; a webhook's, over 1 MiB.
    TooLarge,
    /// The body is not a JSON object.
    InvalidJson,
    /// A field is wrong.
    InvalidField,
    /// No index holds this combination of filters.
    UnsupportedFilter,
    /// The number belongs to another onboarding.
    NumberTaken,
    /// The `Idempotency-Key` was used with another body.
    IdempotencyConflict,
    /// The onboarding has not failed in a way that a retry can fix.
    NotRetryable,
    /// The setup link ran out.
    LinkExpired,
    /// Another setup link took the place of this one.
    LinkRenewed,
    /// The partner took the setup link back.
    LinkRevoked,
    /// The onboarding has ended: nothing leads out of that.
    Ended,
    /// The onboarding is not at rest.
    NotAtRest,
    /// What is personal was erased: nothing leads on.
    Erased,
    /// The onboarding is not ready.
    NotReady,
    /// The onboarding is ready, or has ended, so that it cannot be called off.
    NotCancellable,
    /// Another request for this onboarding is at work.
    InProgress,
    /// The signup of this onboarding is proven already.
    AlreadySignedUp,
    /// Nobody's signup of this WABA is known.
    SignupUnknown,
    /// Meta's code ran out before it was exchanged.
    CodeExpired,
    /// Meta's code was exchanged before.
    CodeUsed,
    /// Meta refused the code.
    CodeRefused,
    /// Meta did not confirm the signup.
    MetaRefused,
    /// Too many sign-ups were tried with the setup link.
    TooManyAttempts,
    /// Meta's token is not for our app.
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
    /// The WABA has no phone number.
    NoNumber,
    /// API Gateway refused the request, mostly because of the firewall.
    Refused,
    /// More calls in a second than API Gateway lets through.
    TooManyRequests,
    /// Something that we depend on is away.
    Unavailable,
    /// Our fault.
    Internal,
}

impl ProblemCode {
    /// Every code.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word of the answer and of the log.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a request was not fulfilled. Holds nothing secret: it is shown to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable word for programs.
    pub code: ProblemCode,
    /// A sentence for people.
    pub detail: String,
    /// The fields that are wrong.
    pub errors: Vec<FieldError>,
    /// Where the customer can ask for a new setup link.
    pub renew_url: Option<String>,
    /// Seconds after which to try again.
    pub retry_after: Option<u32>,
    /// What went wrong inside. For the log, never shown.
    pub(super) cause: Option<String>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The path of the field, such as `client.email`.
    pub field: String,
    /// Why.
    pub message: String,
}

/// The members of the body. `type` is `about:blank`, for which RFC 9457 wants the status's own phrase as `title`.
#[derive(Serialize)]
struct Members<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    renew_url: Option<&'a str>,
}

impl Problem {
    fn new(status: StatusCode, code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            renew_url: None,
            retry_after: None,
            cause: None,
        }
    }

    /// 404: no such route, no such onboarding, or not with this token. Which of them is not told.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, ProblemCode::NotFound, "There is nothing here, or the token does not open it.")
    }

    /// 401: the back-end token is missing or wrong.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ProblemCode::Unauthorized, "A valid bearer token is required.")
    }

    /// 401: the webhook is not authentic.
    pub fn not_authentic() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ProblemCode::NotAuthentic, "The signature or the token does not fit.")
    }

    /// 409: there is no number to be chosen, or another one was chosen before.
    pub fn not_choosable() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ProblemCode::NotChoosable,
            "This onboarding has no number to choose, or one was chosen before.",
        )
    }

    /// 413: the body is over `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("The body is larger than {} KiB.", limit / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ProblemCode::TooLarge, detail)
    }

    /// 400: the body is not a JSON object.
    pub fn invalid_json(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ProblemCode::InvalidJson, detail)
    }

    /// 422: one field is wrong.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// 422: these fields are wrong.
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        let fields: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
        let detail = format!("The request is not valid. {}.", fields.join("; "));
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, ProblemCode::InvalidField, detail) }
    }

    /// 422: no index holds this combination of filters. `given`: those of the query. `filters`: all that there are.
    pub fn unsupported_filter(given: &[&str], filters: &[&str]) -> Self {
        let (given_names, all) = (given.join(" and "), filters.join(", "));
        let detail = format!("A list takes one filter, and not {given_names} at once. The filters are {all}.");
        let error = |filter: &&str| FieldError {
            field: (*filter).to_owned(),
            message: "cannot be combined with another filter".to_owned(),
        };
        let errors = given.iter().map(error).collect();
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, ProblemCode::UnsupportedFilter, detail) }
    }

    /// 409: the number belongs to another onboarding.
    pub fn number_taken() -> Self {
        Self::new(StatusCode::CONFLICT, ProblemCode::NumberTaken, "This number belongs to another onboarding.")
    }

    /// 409: the `Idempotency-Key` was used before, and the first answer cannot be given again.
    pub fn idempotency_conflict() -> Self {
        let detail = "This Idempotency-Key was used before: with another body, before the back-end token was changed, or for a setup link that was renewed or revoked since.";
        Self::new(StatusCode::CONFLICT, ProblemCode::IdempotencyConflict, detail)
    }

    /// 409: the onboarding has not failed in a way that a retry could mend.
    pub fn not_retryable() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ProblemCode::NotRetryable,
            "This onboarding is not at a point from which it can be retried.",
        )
    }

    /// 410: the setup link ran out. `renew_url`: where the customer can ask for a new one.
    pub fn link_expired(renew_url: Option<String>) -> Self {
        let detail = "This setup link has expired. Ask for a new one.";
        Self { renew_url, ..Self::new(StatusCode::GONE, ProblemCode::LinkExpired, detail) }
    }

    /// 410: another setup link took the place of this one. `renew_url`: as of [`Self::link_expired`].
    pub fn link_renewed(renew_url: Option<String>) -> Self {
        let detail = "A newer setup link has replaced this one. Open the newest link, or ask for a new one.";
        Self { renew_url, ..Self::new(StatusCode::GONE, ProblemCode::LinkRenewed, detail) }
    }

    /// 410: the partner took the setup link back.
    pub fn link_revoked() -> Self {
        let detail = "This setup link was revoked. Ask for a new one.";
        Self::new(StatusCode::GONE, ProblemCode::LinkRevoked, detail)
    }

    /// 409: the onboarding has ended.
    pub fn ended() -> Self {
        let detail = "This onboarding has ended. To connect the number again, start a new onboarding.";
        Self::new(StatusCode::CONFLICT, ProblemCode::Ended, detail)
    }

    /// 409: the onboarding is not at rest.
    pub fn not_at_rest(onboarding: &Onboarding) -> Self {
        let next = match onboarding.status {
            Status::Ready if onboarding.open_channel_end().is_some() => {
                "The disconnect is under way. Erase the onboarding once it is disconnected."
            }
            Status::Ready => "Disconnect the number first. Erase the onboarding once it is disconnected.",
            Status::Cancelled => {
                "360dialog has not ended the channel yet. Erase the onboarding when channel_end.ended_at is there."
            }
            _ => "Cancel the onboarding first.",
        };
        let detail = format!("The status is {}. {next}", onboarding.status.as_str());
        Self::new(StatusCode::CONFLICT, ProblemCode::NotAtRest, detail)
    }

    /// 409: what is personal was erased.
    pub fn erased() -> Self {
        let detail =
            "The personal data of this onboarding was erased. To connect the number again, start a new onboarding.";
        Self::new(StatusCode::CONFLICT, ProblemCode::Erased, detail)
    }

    /// 409: the onboarding is not ready, but in this status.
    pub fn not_ready(status: Status) -> Self {
        let detail = format!("The status is {}. This is possible in ready only.", status.as_str());
        Self::new(StatusCode::CONFLICT, ProblemCode::NotReady, detail)
    }

    /// 409: the onboarding is ready, or has been disconnected.
    pub fn not_cancellable(status: Status) -> Self {
        let detail = match status {
            Status::Ready => "The status is ready. Disconnect the number instead.".to_owned(),
            other => format!("The status is {}. Nothing is left to be called off.", other.as_str()),
        };
        Self::new(StatusCode::CONFLICT, ProblemCode::NotCancellable, detail)
    }

    /// 409: another request for this onboarding is at work.
    pub fn in_progress() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ProblemCode::InProgress,
            "This onboarding is being worked on. Look again in a moment.",
        )
    }

    /// 409: the signup of this onboarding is proven already.
    pub fn already_signed_up() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ProblemCode::AlreadySignedUp,
            "The signup of this onboarding is complete already.",
        )
    }

    /// 409: nobody's signup of this WABA is known, or it was given to another onboarding.
    pub fn signup_unknown() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ProblemCode::SignupUnknown,
            "There is no unclaimed signup of this WABA: Meta has not reported one, or it is an onboarding's by now.",
        )
    }

    /// 422: Meta's code ran out before it was exchanged.
    pub fn code_expired() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            ProblemCode::CodeExpired,
            "The signup took too long to arrive. Please try again.",
        )
    }

    /// 422: Meta's code was exchanged before.
    pub fn code_used() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            ProblemCode::CodeUsed,
            "This signup was sent before. Please try again.",
        )
    }

    /// 422: the signup could not be proven. `code` says what was not, `detail` tells the customer.
    pub fn signup_refused(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 422: the `WhatsApp` Business Account has no phone number.
    pub fn no_number() -> Self {
        let detail = "The WhatsApp Business Account has no phone number yet. Please try again and add one.";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, ProblemCode::NoNumber, detail)
    }

    /// 403: API Gateway refused the request.
    pub fn refused() -> Self {
        Self::new(StatusCode::FORBIDDEN, ProblemCode::Refused, "The request was refused before it was read.")
    }

    /// 429: more calls in a second than API Gateway lets through.
    pub fn too_many_requests() -> Self {
        let detail = "There are too many calls at the moment. Please try again in a second.";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, ProblemCode::TooManyRequests, detail);
        Self { retry_after: Some(1), ..problem }
    }

    /// 503: something that we depend on is away; `cause` is for the log. With `Retry-After`, in seconds.
    pub fn unavailable(retry_after: u32, cause: impl Display) -> Self {
        let problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, ProblemCode::Unavailable, "Please try again in a moment.");
        Self { retry_after: Some(retry_after), cause: Some(cause.to_string()), ..problem }
    }

    /// 500: our fault; `cause` is for the log.
    pub fn internal(cause: impl Display) -> Self {
        let detail = "Something went wrong on our side. The request_id helps to find out what.";
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, ProblemCode::Internal, detail);
        Self { cause: Some(cause.to_string()), ..problem }
    }

    /// The answer.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let members = Members {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            request_id,
            errors: &self.errors,
            renew_url: self.renew_url.as_deref(),
        };
        // Texts and numbers only: writing them cannot fail.
        let text = serde_json::to_string(&members).unwrap_or_default();
        let mut response = answer(self.status, "application/problem+json", text);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
