//! Receipt of a webhook: authenticate the raw bytes, keep, acknowledge. Never waits for the Hub.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use partner_hub::signature;
use partner_hub::webhook::{self, RawEvent};
use secrets::{BundleSecret, Secrets, SecretsError};
use store::{Dedup, InboxReceipt, NewInboxEntry, Source, Store, StoreError};
use telemetry::Metric;

/// How many events of one webhook are kept at the same time.
const AT_ONCE: usize = 16;

/// What receipt needs.
#[derive(Clone)]
pub struct WebhookReceipt {
    /// The inbox.
    pub store: Store,
    /// The platform secrets, the shared token, Meta's app secret.
    pub secrets: Arc<dyn Secrets>,
    /// Header that carries the shared token where no platform secret exists.
    pub token_header: String,
}

/// What was done with a webhook that was authentic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Events in the body.
    pub events: usize,
    /// Those that were not kept before.
    pub new: usize,
}

/// Why a webhook is not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Not authentic: 401.
    #[error("the webhook is not authentic")]
    NotAuthentic,
    /// Not kept: 500, so that the sender sends it again.
    #[error("the webhook could not be kept: {0}")]
    NotKept(String),
}

impl From<StoreError> for ReceiptError {
    fn from(error: StoreError) -> Self {
        Self::NotKept(error.to_string())
    }
}

impl From<SecretsError> for ReceiptError {
    fn from(error: SecretsError) -> Self {
        Self::NotKept(error.to_string())
    }
}

impl WebhookReceipt {
    /// Takes a webhook of the Partner Hub (`POST /webhooks/partner-hub`): one event or an array of them.
    /// `header` reads a request header by name.
    pub async fn partner_hub<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> Result<Receipt, ReceiptError> {
        self.authenticate(|secret| self.sent_by_the_hub(secret, &header, body)).await?;
        let kept = webhook::split(body).into_iter().map(|event| self.take(event));
        let kept: Vec<bool> = stream::iter(kept).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Receipt { events: kept.len(), new: kept.into_iter().filter(|new| *new).count() })
    }

    /// Keeps one event of the Hub's. Whether it is new.
    async fn take(&self, event: RawEvent) -> Result<bool, ReceiptError> {
        let name = webhook::parse(&event.body).name;
        if !webhook::is_documented(&name) {
            tracing::warn!(event = name, "webhook of an unknown kind; kept");
            telemetry::count(Metric::WebhookUnknownEvent, 1);
        }
        let entry = NewInboxEntry { source: Source::PartnerHub, event_id: event.event_id, name, body: event.body };
        let InboxReceipt { dedup, .. } = self.keep(&entry).await?;
        Ok(is_new(dedup))
    }

    /// Takes a webhook of Meta (`POST /webhooks/meta`), kept whole. Reconciliation looks at it, when the page has had its time
    /// to hand the signup over.
    pub async fn meta(&self, signature: Option<&str>, body: &[u8]) -> Result<Receipt, ReceiptError> {
        let signed = |secret: &BundleSecret| {
            signature
                .is_some_and(|header| meta_graph::webhook::verify_signature(header, body, &[&secret.meta_app_secret]))
        };
        self.authenticate(signed).await?;
        let body = String::from_utf8_lossy(body).into_owned();
        let entry = NewInboxEntry { source: Source::Meta, event_id: None, name: "account_update".to_owned(), body };
        let kept = self.keep(&entry).await?;
        Ok(Receipt { events: 1, new: usize::from(is_new(kept.dedup)) })
    }

    /// Meta's handshake (`GET /webhooks/meta`) with its mode, token and challenge: the challenge, to be sent back as text.
    pub async fn handshake<'a>(
        &self,
        mode: Option<&str>,
        token: Option<&str>,
        challenge: Option<&'a str>,
    ) -> Result<&'a str, ReceiptError> {
        let answer =
            |secret: &BundleSecret| meta_graph::webhook::handshake(mode, token, challenge, &secret.meta_verify_token);
        self.authenticate(|secret| answer(secret).is_some()).await?;
        challenge.ok_or(ReceiptError::NotAuthentic)
    }

    /// Checks against the secret as we hold it, and if that fails, once against the secret as it is now: it may have been rotated.
    async fn authenticate(&self, authentic: impl Fn(&BundleSecret) -> bool) -> Result<(), ReceiptError> {
        let held = self.secrets.bundle().await?;
        if authentic(&held) {
            return Ok(());
        }
        let now = self.secrets.refresh().await?;
        // A stranger's large body is not worth hashing twice.
        if !Arc::ptr_eq(&held, &now) && authentic(&now) {
            return Ok(());
        }
        telemetry::count(Metric::WebhookRejected, 1);
        Err(ReceiptError::NotAuthentic)
    }

    fn sent_by_the_hub<'a>(
        &self,
        secret: &BundleSecret,
        header: &impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> bool {
        let platform = secret.platform_secrets();
        if platform.is_empty() {
            let Some(token) = &secret.webhook_token else { return false };
            return header(&self.token_header).is_some_and(|given| exchange::secret_eq(given, token));
        }
        header(signature::HEADER).is_some_and(|given| signature::verify(given, body, &platform))
    }

    async fn keep(&self, entry: &NewInboxEntry) -> Result<InboxReceipt, ReceiptError> {
        let kept = self.store.keep(entry).await?;
        if kept.dedup == Dedup::Conflicting {
            tracing::error!(event = entry.name, "a webhook came with the id of another one; both are kept");
            telemetry::count(Metric::WebhookConflicting, 1);
        }
        Ok(kept)
    }
}

fn is_new(dedup: Dedup) -> bool {
    matches!(dedup, Dedup::New | Dedup::Conflicting)
}
