//! One HTTP exchange: sent, timed, logged, and read up to a limit.

use std::time::Instant;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use time::Duration;
use url::Url;

use super::error::{self, HubError};

/// The largest small answer that is read, in bytes.
pub(super) const SMALL: usize = 1 << 20;
/// The largest list that is read, in bytes: 200 channels take about half a megabyte.
pub(super) const LIST: usize = 8 << 20;
/// No server makes us wait longer than this, whatever it says.
const LONGEST_RETRY_AFTER: u32 = 3600;

/// What a server answered, whatever it was.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
pub(super) struct Failure {
    /// What happened, in our words: the library's texts hold URLs, and those hold e-mail addresses.
    pub(super) reason: &'static str,
    /// Whether the server may have seen the request.
    pub(super) may_have_arrived: bool,
}

impl Answer {
    /// The body as JSON, if that is what it is.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the body is JSON, or empty.
    pub(super) fn is_readable(&self) -> bool {
        self.body.trim_ascii().is_empty() || self.json().is_some()
    }

    /// The Hub's answer as JSON if it is a success. An empty body is `null`; `has_effect`: the call changes something.
    pub(super) fn into_json(self, has_effect: bool) -> Result<Value, HubError> {
        let json = self.json();
        let status = error::status(self.status, json.as_ref());
        match json {
            _ if !(200..300).contains(&status) => {
                Err(HubError::from_answer(status, json.as_ref(), self.retry_after, has_effect))
            }
            Some(json) => Ok(json),
            None if self.body.trim_ascii().is_empty() => Ok(Value::Null),
            None => Err(HubError::unreadable("the answer is not JSON".to_owned(), has_effect)),
        }
    }
}

/// `base` with more path segments, whether or not it ends in a slash. Each segment is percent-encoded.
pub(super) fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // An address that cannot be a base (such as `mailto:`) stays as it is and is refused when the request is sent.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Sends `request`, reads at most `cap` bytes of the answer, and logs one line. `route` is a template, without ids.
pub(super) async fn send(
    request: RequestBuilder,
    service: &'static str,
    route: &'static str,
    cap: usize,
) -> Result<Answer, Failure> {
    let start = Instant::now();
    let result = exchange(request, cap).await;
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &result {
        Ok(answer) => tracing::info!(service, route, status = answer.status, milliseconds, "call"),
        Err(failure) => tracing::warn!(service, route, failure = failure.reason, milliseconds, "call"),
    }
    result
}

async fn exchange(request: RequestBuilder, cap: usize) -> Result<Answer, Failure> {
    let mut response = request.send().await.map_err(|error| Failure::from_error(&error))?;
    let retry_after = retry_after(&response);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::from_error(&error))? {
        if body.len() + chunk.len() > cap {
            return Err(Failure { reason: "the answer is too large", may_have_arrived: true });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status: response.status().as_u16(), retry_after, body })
}

/// `Retry-After` in seconds. The form with a date counts as absent: the server's clock may differ from ours.
fn retry_after(response: &Response) -> Option<Duration> {
    let header = response.headers().get(reqwest::header::RETRY_AFTER)?;
    let seconds: u64 = header.to_str().ok()?.trim().parse().ok()?;
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).min(LONGEST_RETRY_AFTER);
    Some(Duration::seconds(seconds.into()))
}

impl Failure {
    fn from_error(error: &reqwest::Error) -> Self {
        let (reason, may_have_arrived) = if error.is_builder() {
            ("the request cannot be sent", false)
        } else if error.is_connect() {
            ("no connection", false)
        } else if error.is_timeout() {
            ("no answer in time", true)
        } else {
            ("the connection broke off", true)
        };
        Self { reason, may_have_arrived }
    }
}
