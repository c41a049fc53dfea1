//! The events that the partner is told. Each is an entry (`EVT#…`), which never changes, and a delivery (`DLV#…`), which says how
//! the telling goes. Both are written in the transaction of what happened.

use std::fmt;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::limiter::{from_milliseconds, milliseconds};
use onboarding::{Class, Delivery, EventId, OnboardingId, PartnerEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::contention::{RaceBackoff, Transacted, Updated};
use super::item::{self, Item, Key, n, s};
use super::work::AT_WORK;
use super::{Store, StoreError};

/// How long the feed shows an event, and how long it is kept how its telling went.
pub(crate) const FEED_KEPT: Duration = Duration::days(90);

/// The name of an event in the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKey {
    /// The onboarding that it is of; `None` for one that is of none.
    pub onboarding: Option<OnboardingId>,
    /// Its id.
    pub id: EventId,
}

/// An event as its entry holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its name in the table.
    pub key: EventKey,
    /// Its type, such as `onboarding.ready`.
    pub kind: String,
    /// When it happened.
    pub at: OffsetDateTime,
    /// Its data, as JSON.
    pub data: String,
}

/// The writes of an entry.
pub(crate) struct EntryWrites {
    pub(crate) entry: TransactWriteItem,
    pub(crate) delivery: Option<TransactWriteItem>,
}

/// The attributes of an entry that make it an event.
#[derive(Deserialize)]
struct EventAttributes {
    event_id: EventId,
    #[serde(rename = "type")]
    kind: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    data: String,
}

/// A delivery's item, besides its keys and who is at work.
#[derive(Serialize, Deserialize)]
struct DeliveryItem {
    /// The sort key of the entry.
    entry: String,
    event_at: i64,
    delivery: Delivery,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    expires_at: i64,
}

impl EventKey {
    pub(crate) fn delivery(&self) -> Key {
        Key::delivery(self.onboarding.as_ref(), &self.id)
    }

    /// The event of an entry or a delivery with these keys, if it is one.
    pub(crate) fn of(pk: &str, sk: &str) -> Option<Self> {
        let onboarding = if pk == item::STACK { None } else { Some(item::onboarding_id(pk)?) };
        Some(Self { onboarding, id: item::event_id(sk)? })
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { pk, sk } = self.delivery();
        write!(f, "{pk}, {sk}")
    }
}

impl StoredEvent {
    /// What the partner gets, as JSON: `{"id", "type", "timestamp", "data"}`. The same text each time.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], if its data is not JSON.
    pub fn envelope(&self) -> Result<String, StoreError> {
        #[derive(Serialize)]
        struct Envelope<'a> {
            id: &'a EventId,
            #[serde(rename = "type")]
            kind: &'a str,
            timestamp: String,
            data: &'a RawValue,
        }
        let unreadable = |error: &dyn fmt::Display| item::unreadable(&self.key.to_string(), error);
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let timestamp = self.at.to_offset(time::UtcOffset::UTC).format(format).map_err(|error| unreadable(&error))?;
        let data = serde_json::from_str(&self.data).map_err(|error| unreadable(&error))?;
        let envelope = Envelope { id: &self.key.id, kind: &self.kind, timestamp, data };
        serde_json::to_string(&envelope).map_err(|error| unreadable(&error))
    }

    /// The event in an entry.
    pub(crate) fn of(entry: Item) -> Result<Self, StoreError> {
        let pk = item::text(&entry, "pk").unwrap_or_default().to_owned();
        let EventAttributes { event_id, kind, at, data } = item::read(entry)?;
        let key = EventKey { onboarding: item::onboarding_id(&pk), id: event_id };
        Ok(Self { key, kind, at, data })
    }
}

/// The attributes that make an entry an event, with which the feed finds it.
pub(crate) fn attributes(id: &EventId, event: &PartnerEvent) -> Result<Item, StoreError> {
    let data = serde_json::to_string(&event.data).map_err(|error| item::unreadable(id.as_str(), &error))?;
    Ok(Item::from([
        ("event_id".to_owned(), s(id.as_str())),
        ("feed".to_owned(), s(super::feed::partition(id.day()))),
        ("type".to_owned(), s(event.kind.as_str())),
        ("data".to_owned(), s(data)),
    ]))
}

/// The item of a delivery that is due at once.
pub(crate) fn delivery_item(
    key: &EventKey,
    entry: &str,
    event_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<Item, StoreError> {
    let attributes = DeliveryItem {
        entry: entry.to_owned(),
        event_at: milliseconds(event_at),
        delivery: Delivery::default(),
        due: Some(Class::Delivery.as_str().to_owned()),
        due_at: Some(milliseconds(event_at.min(now))),
        expires_at: (now + FEED_KEPT).unix_timestamp(),
    };
    item::write(key.delivery(), &attributes)
}

pub(crate) fn put(table: &str, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder().table_name(table).set_item(Some(item)).build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

impl Store {
    /// The writes of an event that is of no onboarding: entry and delivery, kept for 90 days.
    pub(crate) fn stack_event_writes(
        &self,
        event: &PartnerEvent,
    ) -> Result<(EventId, [TransactWriteItem; 2]), StoreError> {
        #[derive(Serialize)]
        struct Entry {
            #[serde(with = "time::serde::rfc3339")]
            at: OffsetDateTime,
            expires_at: i64,
        }
        let now = self.clock.now();
        let id = EventId::generate(now);
        let entry_key = Key::stack_entry(now, &id)?;
        let entry = Entry { at: now, expires_at: (now + FEED_KEPT).unix_timestamp() };
        let mut entry = item::write(entry_key.clone(), &entry)?;
        entry.extend(attributes(&id, event)?);
        let key = EventKey { onboarding: None, id: id.clone() };
        let delivery = delivery_item(&key, &entry_key.sk, now, now)?;
        Ok((id, [put(&self.table, entry)?, put(&self.table, delivery)?]))
    }

    /// Tells an event that is of no onboarding. Returns its id.
    pub async fn tell(&self, event: &PartnerEvent) -> Result<EventId, StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let (id, writes) = self.stack_event_writes(event)?;
            if self.transact(writes.into()).await? == Transacted::Done {
                return Ok(id);
            }
            backoff.after_lost_race().await?;
        }
    }

    /// Makes a write and tells an event that is of no onboarding, both or neither. `false` if the write's condition does not hold.
    pub(crate) async fn write_and_tell(
        &self,
        write: TransactWriteItem,
        event: Option<&PartnerEvent>,
    ) -> Result<bool, StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let mut writes = vec![write.clone()];
            if let Some(event) = event {
                writes.extend(self.stack_event_writes(event)?.1);
            }
            match self.transact(writes).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(_) => return Ok(false),
                Transacted::Contended => backoff.after_lost_race().await?,
            }
        }
    }

    /// An event, and how its telling goes (consistent reads); `None` if it is no longer kept.
    pub async fn event(&self, key: &EventKey) -> Result<Option<(StoredEvent, Delivery)>, StoreError> {
        let Some(found) = self.read_item(key.delivery()).await? else { return Ok(None) };
        let DeliveryItem { entry, delivery, .. } = item::read(found)?;
        let entry = self.read_item(Key { sk: entry, ..key.delivery() }).await?;
        Ok(entry.map(StoredEvent::of).transpose()?.map(|event| (event, delivery)))
    }

    /// Records how the telling of an event went, and in which line it waits next. Whether it did: not if the work is another
    /// message's by now.
    pub async fn record_delivery(
        &self,
        key: &EventKey,
        permit: &str,
        delivery: &Delivery,
        line: Option<(Class, OffsetDateTime)>,
    ) -> Result<bool, StoreError> {
        let request = self.delivery_request(key, delivery, line)?;
        let request =
            request.condition_expression("permit = :permit").expression_attribute_values(":permit", s(permit));
        Ok(matches!(self.update(request).await?, Updated::Done(_)))
    }

    /// Has an event told once more to the partner's webhook.
    pub(crate) async fn tell_again(&self, key: &EventKey) -> Result<(), StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let Some(found) = self.read_item(key.delivery()).await? else { return Ok(()) };
            let before = found.get("delivery").cloned();
            let DeliveryItem { mut delivery, event_at, .. } = item::read(found)?;
            delivery.webhook.get_or_insert_default().again();
            // The bus may still wait for its turn.
            let line = match delivery.event_bus.delivered_at {
                Some(_) => (Class::Held, from_milliseconds(event_at)),
                None => (Class::Delivery, self.clock.now()),
            };
            let request = self
                .delivery_request(key, &delivery, Some(line))?
                .condition_expression("delivery = :before")
                .expression_attribute_values(":before", before.unwrap_or(s("")));
            match self.update(request).await? {
                Updated::Done(_) => return Ok(()),
                Updated::Refused(_) => backoff.after_lost_race().await?,
            }
        }
    }

    fn delivery_request(
        &self,
        key: &EventKey,
        delivery: &Delivery,
        line: Option<(Class, OffsetDateTime)>,
    ) -> Result<UpdateItemFluentBuilder, StoreError> {
        let delivery = serde_dynamo::to_attribute_value(delivery);
        let delivery = delivery.map_err(|error| item::unreadable(&key.to_string(), &error))?;
        let request = self
            .client
            .update_item()
            .set_key(Some(key.delivery().attributes()))
            .expression_attribute_values(":delivery", delivery);
        let at_work = AT_WORK.join(", ");
        Ok(match line {
            Some((class, due_at)) => request
                .update_expression(format!("SET delivery = :delivery, due = :class, due_at = :due_at REMOVE {at_work}"))
                .expression_attribute_values(":class", s(class.as_str()))
                .expression_attribute_values(":due_at", n(milliseconds(due_at))),
            None => request.update_expression(format!("SET delivery = :delivery REMOVE due, due_at, {at_work}")),
        })
    }

    /// How the telling of these events goes, as far as it is kept. At most 100.
    pub(crate) async fn deliveries(&self, keys: &[EventKey]) -> Result<Vec<(EventKey, Delivery)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items = self.read_items(keys.iter().map(|key| key.delivery().attributes()).collect()).await?;
        let mut deliveries = Vec::new();
        for item in items {
            let Some(key) = Key::of(&item).and_then(|key| EventKey::of(&key.pk, &key.sk)) else { continue };
            match item::read::<DeliveryItem>(item) {
                Ok(item) => deliveries.push((key, item.delivery)),
                Err(error) => tracing::error!(%error, "delivery left out"),
            }
        }
        Ok(deliveries)
    }

    /// How often each of these events was tried at the partner's webhook, in vain. At most 100.
    pub async fn failures_of(&self, keys: &[EventKey]) -> Result<Vec<(EventKey, u32)>, StoreError> {
        let deliveries = self.deliveries(keys).await?;
        let failures = |delivery: Delivery| delivery.webhook.map_or(0, |webhook| webhook.failures);
        Ok(deliveries.into_iter().map(|(key, delivery)| (key, failures(delivery))).collect())
    }
}
