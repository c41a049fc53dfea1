//! One HTTP exchange: sent, timed, logged, and read up to a limit.

use std::time::Instant;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use strum::IntoStaticStr;
use time::Duration;
use url::Url;

/// No server makes us wait longer than this, whatever it says.
const LONGEST_RETRY_AFTER: u32 = 3600;

/// What a server answered, whatever it was.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// Why there is no answer. In our own words: the library's texts hold URLs, and those hold e-mail addresses and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum Failure {
    /// The request could not be put together, so nothing was sent. A line break in a token does this.
    #[error("the request cannot be sent")]
    NotBuilt,
    /// No connection, so nothing was sent.
    #[error("no connection")]
    NotConnected,
    /// The request was sent, and no answer came in time.
    #[error("no answer in time")]
    TimedOut,
    /// The request was sent at least in part, and the connection broke.
    #[error("the connection broke off")]
    Interrupted,
    /// The answer is larger than the caller reads.
    #[error("the answer is too large")]
    TooLarge,
}

impl Answer {
    /// The body as [`json`](crate::json()), if it is JSON.
    pub fn json(&self) -> Option<Value> {
        crate::json(&self.body)
    }

    /// Whether the body is empty, or blank.
    pub fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    /// `Retry-After` in seconds, at most an hour. The form with a date counts as absent: the server's clock may differ from
    /// ours.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).min(LONGEST_RETRY_AFTER);
        Some(Duration::seconds(seconds.into()))
    }
}

impl Failure {
    /// A stable word for the log.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the server may have seen the request.
    pub const fn may_have_arrived(self) -> bool {
        !matches!(self, Self::NotBuilt | Self::NotConnected)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        if error.is_builder() {
            Self::NotBuilt
        } else if error.is_connect() {
            Self::NotConnected
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Interrupted
        }
    }
}

/// `base` with more path segments, whether or not it ends in a slash. Each segment is percent-encoded.
pub fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // An address that cannot be a base (such as `mailto:`) stays as it is and is refused when the request is sent.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Sends `request`, reads at most `cap` bytes of the answer, and logs one line. `service` and `route` are for the log: `route`
/// is a template, without ids.
///
/// # Errors
/// [`Failure`], if no whole answer came.
pub async fn send(
    request: RequestBuilder,
    service: &'static str,
    route: &'static str,
    cap: usize,
) -> Result<Answer, Failure> {
    let start = Instant::now();
    let result = exchange(request, cap).await;
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &result {
        Ok(answer) => tracing::info!(service, route, status = answer.status.as_u16(), milliseconds, "call"),
        Err(failure) => tracing::warn!(service, route, failure = failure.as_str(), milliseconds, "call"),
    }
    result
}

async fn exchange(request: RequestBuilder, cap: usize) -> Result<Answer, Failure> {
    let mut response = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > cap {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status: response.status(), headers: response.headers().clone(), body })
}
