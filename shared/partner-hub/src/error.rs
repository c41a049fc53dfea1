//! What a call to the Hub can fail with, sorted by what a caller does about it.

use exchange::{Failure, Lenient, object};
use serde::Deserialize;
use serde_json::Value;
use time::Duration;

/// The longest reason we keep, in characters.
const LONGEST_REASON: usize = 300;

/// What a failed call says of the Hub itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 429: it takes no more calls for now.
    TooMany,
    /// 5xx, or no answer: it may be down.
    Down,
    /// Anything else, such as an answer that cannot be read.
    Other,
}

/// Why a call did not succeed. The reasons are for the operator: they hold what the Hub said, cut to 300 characters,
/// and never a whole body.
///
/// All but [`Retry`](Self::Retry) are verdicts, and only the Hub's own words are one: its error envelope. The same status
/// with any other body comes from a proxy before the Hub, as while the Hub is being deployed, and says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// Try again later: 408, 429, 5xx, any status that is not in the Hub's own words, no answer, or an answer that cannot
    /// be read.
    #[error("try again later: {reason}")]
    Retry {
        /// What happened.
        reason: String,
        /// How long the Hub asks us to wait, at most an hour.
        retry_after: Option<Duration>,
        /// The effect may have happened all the same: the Hub is known to create a client and then answer 429 or 500.
        unclear: bool,
        /// What it says of the Hub.
        trouble: Trouble,
    },
    /// Key creation only (400, 404, 409): the channel is not ready for a key.
    #[error("not yet: {reason}")]
    NotYet {
        /// What the Hub said.
        reason: String,
    },
    /// Key creation only (403): the client has not granted permission.
    #[error("no permission: {reason}")]
    Permission {
        /// What the Hub said.
        reason: String,
    },
    /// The credentials are refused (401, or user name and password refused at `/token`): the operator's to mend.
    #[error("the Hub refuses our credentials")]
    Unauthorized,
    /// Any other 4xx: the same request will not succeed.
    #[error("the Hub refused with {status}: {reason}")]
    Permanent {
        /// The HTTP status.
        status: u16,
        /// What the Hub said.
        reason: String,
    },
}

impl HubError {
    /// A success that lacks what we need from it.
    pub(super) fn unreadable(reason: String, has_effect: bool) -> Self {
        Self::Retry { reason, retry_after: None, unclear: has_effect, trouble: Trouble::Other }
    }

    /// A list answer without its list.
    pub(super) fn no_list(name: &str) -> Self {
        Self::unreadable(format!("the answer has no list `{name}`"), false)
    }

    pub(super) fn from_failure(failure: Failure, has_effect: bool) -> Self {
        let unclear = has_effect && failure.may_have_arrived();
        let trouble = match failure {
            Failure::NotConnected | Failure::TimedOut | Failure::Interrupted => Trouble::Down,
            Failure::NotBuilt | Failure::TooLarge => Trouble::Other,
        };
        Self::Retry { reason: failure.to_string(), retry_after: None, unclear, trouble }
    }

    /// Whether the call may have had its effect all the same, or may have it yet.
    pub const fn is_unclear(&self) -> bool {
        matches!(self, Self::Retry { unclear: true, .. })
    }

    /// Sorts an answer that is no success. A redirect is not followed and counts as an accident of the way there.
    pub(super) fn from_answer(
        status: u16,
        body: Option<&Value>,
        retry_after: Option<Duration>,
        has_effect: bool,
    ) -> Self {
        let reason = reason(status, body);
        match status {
            401 if is_own_words(body) => Self::Unauthorized,
            status if is_final(status) && is_own_words(body) => Self::Permanent { status, reason },
            429 => Self::Retry { reason, retry_after, unclear: has_effect, trouble: Trouble::TooMany },
            500.. => Self::Retry { reason, retry_after, unclear: has_effect, trouble: Trouble::Down },
            _ => Self::Retry { reason, retry_after, unclear: has_effect, trouble: Trouble::Other },
        }
    }
}

/// The error envelope in a success.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    success: Lenient<Option<bool>>,
    http_code: Lenient<Option<u16>>,
}

/// Whether an answer is the Hub's own: it has the envelope of its errors, or that of `/token`.
pub(super) fn is_own_words(body: Option<&Value>) -> bool {
    let Some(body) = body else { return false };
    body.get("meta").is_some_and(Value::is_object)
        || ["error", "error_description"].iter().all(|member| body.get(member).is_some_and(Value::is_string))
}

/// Whether the same request will be refused again, if the other side says so in its own words: any 4xx but 408 (time-out)
/// and 429 (too many requests).
pub(super) fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 429)
}

/// The status of an answer: the HTTP status, unless a success carries an error envelope (`meta.success` is false).
/// The page of the submission does not say with which status its "usual error response" comes.
pub(super) fn status(http: u16, body: Option<&Value>) -> u16 {
    let meta: Meta = object(body.and_then(|body| body.get("meta")).cloned().unwrap_or_default());
    if !(200..300).contains(&http) || meta.success.0 != Some(false) {
        return http;
    }
    meta.http_code.0.filter(|code| (400..600).contains(code)).unwrap_or(500)
}

/// What an error answer says, on one line. Every member may be missing:
/// - the Hub: `{"meta": {"developer_message", "details": list or object, "error_data": {"real_message", "message"}}}`
/// - `/token`: `{"error", "error_description"}`
/// - the messaging API: `{"error": text, or {"message"}}`
pub(super) fn reason(status: u16, body: Option<&Value>) -> String {
    reason_without(&[], status, body)
}

/// The same, with what we sent and nobody may read struck out: an error may quote the request.
pub(super) fn reason_without(secrets: &[&str], status: u16, body: Option<&Value>) -> String {
    const POINTERS: [&str; 7] = [
        "/meta/developer_message",
        "/meta/details",
        "/meta/error_data/message",
        "/meta/error_data/real_message",
        "/error",
        "/error/message",
        "/error_description",
    ];
    let mut parts = Vec::new();
    for value in POINTERS.iter().filter_map(|pointer| body?.pointer(pointer)) {
        match value {
            Value::String(text) => parts.push(text.clone()),
            Value::Array(list) => parts.extend(list.iter().filter_map(Value::as_str).map(str::to_owned)),
            // `/error` as an object is a container, of which only `/error/message` is for people.
            Value::Object(fields) if !fields.contains_key("message") => parts.extend(fields.iter().map(detail)),
            _ => {}
        }
    }
    let text = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    let text = if text.is_empty() { format!("status {status}, no reason given") } else { text };
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    let text = secrets.fold(text, |text, secret| text.replace(secret, "***"));
    exchange::one_line(&text, LONGEST_REASON)
}

/// One field of `details` as an object: `{"email": ["Not a valid address."]}`.
fn detail((field, value): (&String, &Value)) -> String {
    let messages = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let messages: Vec<&str> = messages.iter().filter_map(Value::as_str).collect();
    format!("{field}: {}", messages.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_reason_of_a_hub_error_is_found_in_every_known_shape() {
        for (body, expected) in [
            (
                json!({"meta": {"developer_message": "Wrong payload", "details": ["email: bad", "name: bad"]}}),
                "Wrong payload; email: bad; name: bad",
            ),
            (json!({"meta": {"details": {"email": ["bad", "worse"], "name": "bad"}}}), "email: bad, worse; name: bad"),
            (json!({"meta": {"developer_message": "Refused", "details": "because"}}), "Refused; because"),
            (
                json!({"error": "invalid_grant", "error_description": "Wrong password."}),
                "invalid_grant; Wrong password.",
            ),
            (json!({"error": {"message": "Gone", "code": 100}}), "Gone"),
            (json!({"meta": null}), "status 400, no reason given"),
            (json!([1, 2]), "status 400, no reason given"),
        ] {
            assert_eq!(reason(400, Some(&body)), expected);
        }
        assert_eq!(reason(502, None), "status 502, no reason given");
    }

    #[test]
    fn the_reason_of_a_hub_error_is_one_line_of_bounded_length() {
        let body = json!({"meta": {"developer_message": format!("a\nb{}", "ä".repeat(1000))}});
        let reason = reason(400, Some(&body));
        assert_eq!(reason.chars().count(), LONGEST_REASON);
        assert!(reason.starts_with("a b"));
    }

    #[test]
    fn a_hub_answer_200_with_an_error_body_is_an_error() {
        let body = |meta: Value| json!({"meta": meta});
        assert_eq!(status(200, Some(&body(json!({"success": false, "http_code": 400})))), 400);
        assert_eq!(status(200, Some(&body(json!({"success": false})))), 500);
        assert_eq!(status(200, Some(&body(json!({"success": true, "http_code": 400})))), 200);
        assert_eq!(status(403, Some(&body(json!({"success": false, "http_code": 400})))), 403);
        assert_eq!(status(201, None), 201);
    }
}
