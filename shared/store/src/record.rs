//! The record of an onboarding: its item, its creation and how it is read.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::limiter::milliseconds;
use onboarding::{ClientId, Event, Onboarding, OnboardingId, PartnerEvent, Status};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use time::Duration;

use super::contention::{RaceBackoff, Transacted};
use super::history::HistoryEntry;
use super::item::{self, Item, Key, LISTED, n};
use super::{Store, StoreError, Stored};

/// How long a repeated request gets the first one's answer.
const IDEMPOTENCY: Duration = Duration::hours(24);

/// What a request with an `Idempotency-Key` was answered, so that it can be answered alike when repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// SHA-256 of the key, in hexadecimal.
    pub key_sha256: String,
    /// SHA-256 of the request's body, in hexadecimal: the same key with another body is a conflict.
    pub body_sha256: String,
    /// The setup token, encrypted, so that the same setup link can be given again.
    pub sealed_token: String,
    /// The onboarding that the request started.
    pub onboarding_id: OnboardingId,
}

/// What [`Store::create`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The onboarding is written.
    New,
    /// Nothing is written: the idempotency key was used in the last 24 hours, by this request.
    Earlier(Idempotency),
}

/// The attributes of an idempotency item.
#[derive(Serialize, Deserialize)]
struct IdempotencyItem {
    body_sha256: String,
    sealed_token: String,
    onboarding_id: OnboardingId,
    expires_at: i64,
}

/// The attributes of a record's item, except those that say who is at work.
#[derive(Serialize)]
struct RecordItem<'a> {
    version: u64,
    status: Status,
    changed_at: i64,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    listed: &'static str,
    updated_ms: i64,
    id: &'a OnboardingId,
    record: &'a Onboarding,
    /// JSON text: any JSON may be prefilled, and an attribute cannot hold all of it (empty names, large numbers, depth).
    #[serde(skip_serializing_if = "Option::is_none")]
    prefill: Option<String>,
}

/// The attributes of [`RecordItem`] that may be absent.
pub(crate) const OPTIONAL: [&str; 4] = ["client_id", "due", "due_at", "prefill"];

/// The attributes of a record's item that hold what is not a copy.
#[derive(Deserialize)]
struct RecordAttributes {
    version: u64,
    record: Onboarding,
    #[serde(default)]
    prefill: Option<String>,
}

/// The item of a record that nobody is at work with.
pub(crate) fn to_item(onboarding: &Onboarding, version: u64) -> Result<Item, StoreError> {
    let key = Key::onboarding(&onboarding.id);
    let work = onboarding.work();
    let prefill = Some(&onboarding.prefill).filter(|prefill| !prefill.is_empty());
    let prefill = prefill.map(serde_json::to_string).transpose().map_err(|error| item::unreadable(&key.pk, &error))?;
    let attributes = RecordItem {
        version,
        status: onboarding.status,
        changed_at: milliseconds(onboarding.status_since),
        reference: &onboarding.reference,
        client_id: onboarding.client_id(),
        due: work.map(|work| work.class.as_str()),
        due_at: work.map(|work| milliseconds(work.due_at)),
        listed: LISTED,
        updated_ms: milliseconds(onboarding.updated_at),
        id: &onboarding.id,
        record: &Onboarding { prefill: Map::new(), ..onboarding.clone() },
        prefill,
    };
    item::write(key, &attributes)
}

/// The record in its item.
pub(crate) fn from_item(item: Item) -> Result<Stored, StoreError> {
    let RecordAttributes { version, record: mut onboarding, prefill } = item::read(item)?;
    if let Some(prefill) = prefill {
        let pk = || Key::onboarding(&onboarding.id).pk;
        onboarding.prefill = serde_json::from_str(&prefill).map_err(|error| item::unreadable(&pk(), &error))?;
    }
    Ok(Stored { onboarding: Box::new(onboarding), version })
}

impl Store {
    /// Writes a new record, the first entry of its history and, where given, the idempotency item: all or nothing.
    pub async fn create(
        &self,
        onboarding: &Onboarding,
        idempotency: Option<&Idempotency>,
    ) -> Result<Created, StoreError> {
        const IDEMPOTENCY_WRITE: usize = 2;

        let record = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(onboarding, 1)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        let started = HistoryEntry::first(onboarding);
        let told = PartnerEvent::of_change(onboarding, onboarding, 1, &Event::Started);
        let mut backoff = RaceBackoff::default();
        loop {
            let entry = started.writes(&self.table, &onboarding.id, told.as_ref(), self.clock.now())?;
            let mut writes = vec![TransactWriteItem::builder().put(record.clone()).build(), entry.entry];
            writes.extend(idempotency.map(|idempotency| self.idempotency_write(idempotency)).transpose()?);
            writes.extend(entry.delivery);
            match self.transact(writes).await? {
                Transacted::Done => return Ok(Created::New),
                Transacted::Contended => {}
                Transacted::Refused(refused) => match idempotency.filter(|_| refused.contains(&IDEMPOTENCY_WRITE)) {
                    None => return Err(StoreError::Unavailable(format!("{} exists already", onboarding.id))),
                    Some(asked) => {
                        if let Some(earlier) = self.earlier(asked).await? {
                            return Ok(Created::Earlier(earlier));
                        }
                    }
                },
            }
            backoff.after_lost_race().await?;
        }
    }

    /// The record as it stands now (a consistent read).
    pub async fn get(&self, id: &OnboardingId) -> Result<Stored, StoreError> {
        from_item(self.read_item(Key::onboarding(id)).await?.ok_or(StoreError::NotFound)?)
    }

    /// DynamoDB may delete an expired item days late, so it may be overwritten as soon as it has expired.
    fn idempotency_write(&self, idempotency: &Idempotency) -> Result<TransactWriteItem, StoreError> {
        let now = self.clock.now();
        let attributes = IdempotencyItem {
            body_sha256: idempotency.body_sha256.clone(),
            sealed_token: idempotency.sealed_token.clone(),
            onboarding_id: idempotency.onboarding_id.clone(),
            expires_at: (now + IDEMPOTENCY).unix_timestamp(),
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item::write(Key::idempotency(&idempotency.key_sha256), &attributes)?))
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", n(now.unix_timestamp()))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    async fn earlier(&self, asked: &Idempotency) -> Result<Option<Idempotency>, StoreError> {
        let Some(found) = self.read_item(Key::idempotency(&asked.key_sha256)).await? else { return Ok(None) };
        let IdempotencyItem { body_sha256, sealed_token, onboarding_id, .. } = item::read(found)?;
        Ok(Some(Idempotency { key_sha256: asked.key_sha256.clone(), body_sha256, sealed_token, onboarding_id }))
    }
}
