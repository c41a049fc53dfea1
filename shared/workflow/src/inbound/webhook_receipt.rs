//! Receipt of a webhook: authenticate the raw bytes, keep, acknowledge. Never waits for the Hub.
//!
//! Both senders also send what is none of our business: customers' messages, their histories and address books. Kept are the
//! events that we act on; of all others only the name, the digest and the size.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use meta_graph::webhook::{ACCOUNT_UPDATE, RawChange};
use partner_hub::signature;
use partner_hub::webhook::{self, EventKind, RawEvent, WebhookEvent};
use secrets::{BundleSecret, Secret, SecretError};
use store::{Dedup, NewInboxEntry, Source, Store, StoreError};
use telemetry::Metric;

/// How many events of one webhook are kept at the same time.
const AT_ONCE: usize = 16;
/// A longer name is cut, in characters.
const LONGEST_NAME: usize = 200;

/// What receipt needs.
#[derive(Clone)]
pub struct WebhookReceipt {
    /// The inbox.
    pub store: Store,
    /// The platform secrets, the shared token, Meta's app secret.
    pub bundle: Arc<dyn Secret<BundleSecret>>,
    /// Header that carries the shared token where no platform secret exists.
    pub token_header: String,
}

/// What was done with a webhook that was authentic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Events in the body.
    pub events: usize,
    /// Those that had not come before, or so long ago that they are news again.
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

impl From<SecretError> for ReceiptError {
    fn from(error: SecretError) -> Self {
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
        let receipt = Receipt::of(webhook::split(body).into_iter().map(|event| self.take_event(event))).await?;
        self.store.note_heard().await?;
        Ok(receipt)
    }

    /// Takes one event of the Hub's. Whether it is new.
    async fn take_event(&self, event: RawEvent) -> Result<bool, ReceiptError> {
        let WebhookEvent { kind, name, unreadable, .. } = webhook::parse(&event.body);
        let name = word(&name);
        if unreadable {
            return self.note_unreadable(Source::PartnerHub, &name, &event.body).await;
        }
        if kind != EventKind::Other {
            let entry = NewInboxEntry { source: Source::PartnerHub, event_id: event.event_id, name, body: event.body };
            return self.keep(&entry).await;
        }
        if !webhook::is_documented(&name) {
            tracing::warn!(event = name, "webhook of an unknown kind; its digest is kept");
            telemetry::count(Metric::WebhookUnknownEvent, 1);
        }
        Ok(self.store.note_seen(Source::PartnerHub, &name, &event.body).await?)
    }

    /// Takes a webhook of Meta (`POST /webhooks/meta`), change by change. Reconciliation looks at those that are kept, when the
    /// page has had its time to hand the signup over.
    pub async fn meta(&self, signature: Option<&str>, body: &[u8]) -> Result<Receipt, ReceiptError> {
        let signed = |secret: &BundleSecret| {
            signature
                .is_some_and(|header| meta_graph::webhook::verify_signature(header, body, &[&secret.meta_app_secret]))
        };
        self.authenticate(signed).await?;
        Receipt::of(meta_graph::webhook::split(body).into_iter().map(|change| self.take_change(change))).await
    }

    /// Takes one change of Meta's. Whether it is new.
    async fn take_change(&self, RawChange { field, body }: RawChange) -> Result<bool, ReceiptError> {
        match field {
            Some(field) if field == ACCOUNT_UPDATE => {
                self.keep(&NewInboxEntry { source: Source::Meta, event_id: None, name: field, body }).await
            }
            Some(field) => Ok(self.store.note_seen(Source::Meta, &word(&field), &body).await?),
            None => self.note_unreadable(Source::Meta, "", &body).await,
        }
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
        let held = self.bundle.value().await?;
        if authentic(&held) {
            return Ok(());
        }
        let now = self.bundle.refresh().await?;
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

    /// Keeps what we act on. Whether it is new.
    async fn keep(&self, entry: &NewInboxEntry) -> Result<bool, ReceiptError> {
        let dedup = self.store.keep(entry).await?.dedup;
        if dedup == Dedup::Conflicting {
            tracing::error!(event = entry.name, "a webhook came with the id of another one; both are kept");
            telemetry::count(Metric::WebhookConflicting, 1);
        }
        Ok(dedup != Dedup::Repeated)
    }

    /// What the sender tells us is lost, unless somebody looks. Sending it again would not help.
    async fn note_unreadable(&self, source: Source, name: &str, body: &str) -> Result<bool, ReceiptError> {
        tracing::error!(source = source.as_str(), event = name, size = body.len(), "a webhook cannot be read");
        telemetry::count(Metric::WebhookUnreadable, 1);
        Ok(self.store.note_seen(source, name, body).await?)
    }
}

impl Receipt {
    /// Takes all events of a webhook, several at the same time.
    async fn of(
        events: impl Iterator<Item = impl Future<Output = Result<bool, ReceiptError>>>,
    ) -> Result<Self, ReceiptError> {
        let new: Vec<bool> = stream::iter(events).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Self { events: new.len(), new: new.into_iter().filter(|new| *new).count() })
    }
}

/// The name of an event as it is kept and logged: a word of the sender's, or else its digest, since anything may be written
/// where a name should be.
fn word(name: &str) -> String {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
    if name.chars().all(is_word) { name.chars().take(LONGEST_NAME).collect() } else { exchange::sha256_hex(name) }
}
