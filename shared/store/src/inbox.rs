//! The inbox: webhooks that we act on are kept here before they are acknowledged, each once. Of all others, which may hold
//! customers' chats and address books, nothing is kept but a trace.

use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::Class;
use onboarding::limiter::milliseconds;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::contention::{RaceBackoff, Transacted, Updated};
use super::item::{self, Item, Key, n, s};
use super::work::AT_WORK;
use super::{Store, StoreError};

/// How long an entry is kept.
const KEPT: Duration = Duration::days(30);
/// When reconciliation takes an entry of Meta's up: later than the page hands a signup over and Meta has confirmed it.
const PAGE_GRACE: Duration = Duration::minutes(10);
/// How long ago a webhook without an id must have been processed for another one in the same words to be taken for news, and
/// not for the same one sent again.
const SETTLED: Duration = Duration::minutes(10);
/// A longer body is not kept: DynamoDB's items hold 400 KB. In bytes.
const LONGEST_BODY: usize = 256 * 1024;
/// A longer event id goes into the key as its digest: DynamoDB's keys hold 2048 bytes. In characters.
const LONGEST_EVENT_ID: usize = 200;
/// A longer name is cut. In characters.
pub(super) const LONGEST_NAME: usize = 200;

/// Who sent a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Source {
    /// 360dialog's Partner Hub.
    PartnerHub,
    /// Meta.
    Meta,
}

impl Source {
    /// The word used in keys and logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The name of an entry: `{source}#{event id}`, or `{source}#{SHA-256 of the body}` for a webhook without an event id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InboxKey(String);

/// A text that is not the name of an inbox entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an inbox key: a source, # and at most 1000 bytes")]
pub struct InvalidInboxKey;

impl InboxKey {
    /// The key as text, for a queue's message.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who sent the webhook.
    pub fn source(&self) -> Source {
        if self.0.starts_with(Source::Meta.as_str()) { Source::Meta } else { Source::PartnerHub }
    }

    pub(super) fn new(source: Source, event: &str) -> Self {
        Self(format!("{}#{event}", source.as_str()))
    }
}

impl FromStr for InboxKey {
    type Err = InvalidInboxKey;

    fn from_str(text: &str) -> Result<Self, InvalidInboxKey> {
        let (source, event) = text.split_once('#').ok_or(InvalidInboxKey)?;
        let known = Source::VARIANTS.iter().any(|known| known.as_str() == source);
        if known && (1..=1000).contains(&event.len()) { Ok(Self(text.to_owned())) } else { Err(InvalidInboxKey) }
    }
}

impl fmt::Display for InboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A webhook to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInboxEntry {
    /// Who sent it.
    pub source: Source,
    /// The sender's id of it, the same when it is sent again. Any text.
    pub event_id: Option<String>,
    /// The sender's word for what happened, such as `channel_live`.
    pub name: String,
    /// The exact text.
    pub body: String,
}

/// What [`Store::keep`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxReceipt {
    /// Where the webhook is.
    pub key: InboxKey,
    /// Whether it was kept before.
    pub dedup: Dedup,
}

/// Whether a webhook was kept before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dedup {
    /// Not seen before.
    New,
    /// The same as an earlier one.
    Repeated,
    /// Without an id, and in the words of an earlier one that was processed a while ago. It is due again.
    Renewed,
    /// It carries the event id of an earlier one and another body. Kept apart.
    Conflicting,
}

/// A webhook in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Who sent it.
    pub source: Source,
    /// The sender's word for what happened.
    pub name: String,
    /// The exact text, until it is processed; `None` after that, or if it was longer than 256 KiB. It lies with what is to be done
    /// for it.
    #[serde(skip)]
    pub body: Option<String>,
    /// SHA-256 of the text, in hexadecimal.
    pub body_sha256: String,
    /// Length of the text in bytes.
    pub size: usize,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
}

impl InboxEntry {
    /// Whether its text was too long to be kept.
    pub const fn is_too_long(&self) -> bool {
        self.size > LONGEST_BODY
    }
}

/// Which entry a webhook may be written over.
enum Over {
    /// None.
    Nothing,
    /// One that was processed before then.
    Processed(OffsetDateTime),
}

/// What is to be done for a webhook, or what came of it.
#[derive(Serialize)]
struct InboxWork {
    due: &'static str,
    due_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    expires_at: i64,
}

impl Store {
    /// Keeps a webhook, unless it is here already.
    pub async fn keep(&self, entry: &NewInboxEntry) -> Result<InboxReceipt, StoreError> {
        let digest = exchange::sha256_hex(&entry.body);
        let id = entry.event_id.as_deref().filter(|id| !id.is_empty());
        let event = match id {
            None => digest.clone(),
            Some(id) if id.chars().count() > LONGEST_EVENT_ID => exchange::sha256_hex(id),
            Some(id) => id.to_owned(),
        };
        let key = InboxKey::new(entry.source, &event);
        if self.put_entry(&key, entry, &digest, Over::Nothing).await? {
            return Ok(InboxReceipt { key, dedup: Dedup::New });
        }
        if id.is_none() {
            let settled = Over::Processed(self.clock.now() - SETTLED);
            let renewed = self.put_entry(&key, entry, &digest, settled).await?;
            return Ok(InboxReceipt { key, dedup: if renewed { Dedup::Renewed } else { Dedup::Repeated } });
        }
        let earlier = self.read_item(Key::inbox(&key)).await?.map(item::read::<InboxEntry>).transpose()?;
        if earlier.is_none_or(|earlier| earlier.body_sha256 == digest) {
            return Ok(InboxReceipt { key, dedup: Dedup::Repeated });
        }
        let key = InboxKey::new(entry.source, &format!("{event}#{digest}"));
        let new = self.put_entry(&key, entry, &digest, Over::Nothing).await?;
        Ok(InboxReceipt { key, dedup: if new { Dedup::Conflicting } else { Dedup::Repeated } })
    }

    /// An entry, if it is here: after 30 days it is not. A consistent read.
    pub async fn inbox(&self, key: &InboxKey) -> Result<Option<InboxEntry>, StoreError> {
        let keys = vec![Key::inbox(key).attributes(), Key::inbox_work(key).attributes()];
        let (mut found, mut body) = (None, None);
        for item in self.read_items(keys).await? {
            match item::text(&item, "sk") {
                Some(item::WORK) => body = item::text(&item, "body").map(str::to_owned),
                _ => found = Some(item),
            }
        }
        let Some(found) = found else { return Ok(None) };
        Ok(Some(InboxEntry { body, ..item::read(found)? }))
    }

    /// Notes that an entry has been processed and what came of it: a word or a sentence. It is no longer due, and its text, which
    /// may name people, is no longer kept.
    pub async fn processed(&self, key: &InboxKey, outcome: &str) -> Result<(), StoreError> {
        let at = rfc3339(self.clock.now())?;
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::inbox_work(key).attributes()))
            .update_expression(format!(
                "SET processed_at = :at, outcome = :outcome REMOVE due, due_at, body, {}",
                AT_WORK.join(", ")
            ))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":at", s(at))
            .expression_attribute_values(":outcome", s(outcome));
        match self.update(request).await? {
            Updated::Done(_) => Ok(()),
            Updated::Refused(_) => Err(StoreError::NotFound),
        }
    }

    /// What came of an entry; `None` while it is not processed.
    pub async fn outcome(&self, key: &InboxKey) -> Result<Option<String>, StoreError> {
        let found = self.read_item(Key::inbox_work(key)).await?;
        Ok(found.and_then(|found| item::text(&found, "outcome").map(str::to_owned)))
    }

    /// Writes an entry and its work, unless there is one under this key, but for `over`. Whether it was written.
    async fn put_entry(
        &self,
        key: &InboxKey,
        entry: &NewInboxEntry,
        digest: &str,
        over: Over,
    ) -> Result<bool, StoreError> {
        let received_at = self.clock.now();
        let attributes = InboxEntry {
            source: entry.source,
            name: entry.name.chars().take(LONGEST_NAME).collect(),
            body: None,
            body_sha256: digest.to_owned(),
            size: entry.body.len(),
            received_at,
        };
        let (class, due_at) = match entry.source {
            Source::PartnerHub => (Class::Free, received_at),
            Source::Meta => (Class::Reconciliation, received_at + PAGE_GRACE),
        };
        let expires_at = (received_at + KEPT).unix_timestamp();
        let body = (!attributes.is_too_long()).then(|| entry.body.clone());
        let work = InboxWork { due: class.as_str(), due_at: milliseconds(due_at), body, expires_at };
        let put = |item| Put::builder().table_name(&self.table).set_item(Some(item));
        let entry = put(lasting(Key::inbox(key), &attributes)?);
        let work = put(item::write(Key::inbox_work(key), &work)?);
        let (entry, work) = match over {
            Over::Nothing => (entry.condition_expression("attribute_not_exists(pk)"), work),
            Over::Processed(before) => {
                let work = work.condition_expression("processed_at < :before");
                (entry, work.expression_attribute_values(":before", s(rfc3339(before)?)))
            }
        };
        let writes = [entry.build()?, work.build()?].map(|put| TransactWriteItem::builder().put(put).build()).to_vec();
        let mut backoff = RaceBackoff::default();
        loop {
            match self.transact(writes.clone()).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(_) => return Ok(false),
                Transacted::Contended => backoff.after_lost_race().await?,
            }
        }
    }
}

/// The item of an entry, which is deleted when its time is over.
pub(super) fn lasting(key: Key, entry: &InboxEntry) -> Result<Item, StoreError> {
    let mut item = item::write(key, entry)?;
    item.insert("expires_at".to_owned(), n((entry.received_at + KEPT).unix_timestamp()));
    Ok(item)
}

fn rfc3339(at: OffsetDateTime) -> Result<String, StoreError> {
    at.format(&Rfc3339).map_err(|error| item::unreadable("clock", &error))
}
