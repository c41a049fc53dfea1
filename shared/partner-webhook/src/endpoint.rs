//! One try to tell the partner's webhook.

use std::time::{Duration, Instant};

use exchange::Failure;
use reqwest::header::CONTENT_TYPE;
use time::OffsetDateTime;

use crate::address::WebhookUrl;
use crate::signature::SigningSecret;

/// How long the endpoint has to answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(15);

/// The partner's webhook.
#[derive(Debug, Clone)]
pub struct Endpoint {
    http: reqwest::Client,
    url: WebhookUrl,
}

/// Why a try does not count: the endpoint's answer, or that there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TryFailed {
    /// The endpoint answered with another status than 2xx.
    #[error("the endpoint answered {0}")]
    Refused(u16),
    /// There was no answer.
    #[error("{0}")]
    Unanswered(Failure),
}

impl TryFailed {
    /// The HTTP status, if there is an answer.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Refused(status) => Some(status),
            Self::Unanswered(_) => None,
        }
    }
}

impl Endpoint {
    /// The endpoint at `url`, reached through `http` from [`exchange::client_resolving_with`], whose resolver is
    /// [`PublicAddresses`](crate::PublicAddresses).
    pub fn new(http: reqwest::Client, url: WebhookUrl) -> Self {
        Self { http, url }
    }

    /// Posts an event, signed with each of these secrets at this time. Returns the status, of 2xx. The body of the answer is
    /// not read, and a redirect is not followed.
    ///
    /// # Errors
    /// [`TryFailed`], if the endpoint did not take it.
    pub async fn post(
        &self,
        id: &str,
        body: String,
        secrets: &[&SigningSecret],
        now: OffsetDateTime,
    ) -> Result<u16, TryFailed> {
        let (started, timestamp) = (Instant::now(), now.unix_timestamp());
        let signature = SigningSecret::sign_with_all(secrets, id, timestamp, &body);
        let request = self
            .http
            .post(self.url.as_url().clone())
            .timeout(ANSWER)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        let answer = match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(answer.status().as_u16()),
            Ok(answer) => Err(TryFailed::Refused(answer.status().as_u16())),
            Err(error) => Err(TryFailed::Unanswered(error.into())),
        };
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(status) => tracing::info!(service = "partner webhook", event_id = id, status, milliseconds, "call"),
            Err(error) => tracing::warn!(service = "partner webhook", event_id = id, %error, milliseconds, "call"),
        }
        answer
    }
}
