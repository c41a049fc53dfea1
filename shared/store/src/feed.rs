//! The feed of the events, by their ids.

use std::collections::HashMap;

use onboarding::{Delivery, EventId, OnboardingId};
use time::{Date, Duration};

use super::batch::BATCH;
use super::event::{EventKey, FEED_KEPT, StoredEvent};
use super::item::{self, EVENT_PREFIX, Item, Key, s};
use super::{Store, StoreError, schema};

/// The longest page of [`Store::feed`].
const LONGEST_PAGE: u32 = 100;
/// The feed ends so long before now. A transaction is over by then, and the index shows it, so that no id appears behind a
/// cursor.
pub(crate) const SETTLED: Duration = Duration::seconds(10);

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// In the order of their ids, each with how its telling goes.
    pub events: Vec<(StoredEvent, Delivery)>,
    /// The id up to which the page goes, after which the next one begins; `None` if the feed is empty.
    pub cursor: Option<EventId>,
    /// Whether there are more now.
    pub has_more: bool,
}

/// The partition of a day in the index.
pub(crate) fn partition(day: Date) -> String {
    let (year, month, day) = day.to_calendar_date();
    format!("FEED#{year:04}-{:02}-{day:02}", u8::from(month))
}

impl Store {
    /// A page of at most `limit` (1 to 100) events with ids above `after`, of the last 90 days; without it from the first.
    /// Events of an unknown shape are left out and logged.
    pub async fn feed(&self, after: Option<&EventId>, limit: u32) -> Result<FeedPage, StoreError> {
        let limit = limit.clamp(1, LONGEST_PAGE) as usize;
        let now = self.clock.now();
        let first = EventId::lowest(now - FEED_KEPT);
        let from = after.filter(|after| **after > first).unwrap_or(&first);
        let end = EventId::lowest(now - SETTLED);
        // Nothing is between them; DynamoDB refuses bounds in the wrong order.
        if *from >= end {
            return Ok(FeedPage { events: Vec::new(), cursor: after.cloned(), has_more: false });
        }
        let mut entries = Vec::new();
        let mut day = from.day();
        // One more than asked for tells whether there are more.
        while day <= end.day() && entries.len() <= limit {
            entries.extend(self.entries_of_day(day, from, &end, limit + 1 - entries.len()).await?);
            let Some(next) = day.next_day() else { break };
            day = next;
        }
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        let last = entries.last().and_then(|entry| item::event_id(&entry.sk));
        let cursor = last.or_else(|| after.cloned());
        Ok(FeedPage { events: self.events(entries).await?, cursor, has_more })
    }

    /// The first keys of a day's entries with ids above `from` and below `end`.
    async fn entries_of_day(
        &self,
        day: Date,
        from: &EventId,
        end: &EventId,
        most: usize,
    ) -> Result<Vec<Key>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(schema::BY_FEED)
            .key_condition_expression("feed = :day AND event_id BETWEEN :from AND :end")
            .expression_attribute_values(":day", s(partition(day)))
            .expression_attribute_values(":from", s(from.as_str()))
            .expression_attribute_values(":end", s(end.as_str()));
        // Both ends belong to what is between them.
        let is_inside = |item: &Item| {
            let id = item::text(item, "event_id").unwrap_or_default();
            from.as_str() < id && id < end.as_str()
        };
        let mut items = query.into_paginator().page_size(100).items().send();
        let mut found = Vec::new();
        while found.len() < most {
            let Some(item) = items.next().await.transpose()? else { break };
            found.extend(Some(&item).filter(|item| is_inside(item)).and_then(Key::of));
        }
        Ok(found)
    }

    /// The events of an onboarding, oldest first, also those that the feed no longer shows.
    pub async fn events_of(&self, id: &OnboardingId) -> Result<Vec<(StoredEvent, Delivery)>, StoreError> {
        let query = self.query_items(Key::onboarding(id).pk, EVENT_PREFIX).projection_expression("pk, sk");
        let mut items = query.into_paginator().items().send();
        let mut entries = Vec::new();
        while let Some(item) = items.next().await.transpose()? {
            entries.extend(Key::of(&item).filter(|key| item::event_id(&key.sk).is_some()));
        }
        self.events(entries).await
    }

    async fn events(&self, entries: Vec<Key>) -> Result<Vec<(StoredEvent, Delivery)>, StoreError> {
        let (mut stored, mut deliveries) = (HashMap::new(), HashMap::new());
        let keys: Vec<EventKey> = entries.iter().filter_map(|key| EventKey::of(&key.pk, &key.sk)).collect();
        for batch in entries.chunks(BATCH) {
            for entry in self.read_items(batch.iter().cloned().map(Key::attributes).collect()).await? {
                match StoredEvent::of(entry) {
                    Ok(event) => _ = stored.insert(event.key.clone(), event),
                    Err(error) => tracing::error!(%error, "event left out of the feed"),
                }
            }
        }
        for batch in keys.chunks(BATCH) {
            deliveries.extend(self.deliveries(batch).await?);
        }
        let found = keys.into_iter().filter_map(|key| {
            let event = stored.remove(&key)?;
            Some((event, deliveries.remove(&key).unwrap_or_default()))
        });
        Ok(found.collect())
    }

    /// The first events of [`Self::feed`] after `after` and up to `until`, by name, at most `limit`; and the id up to which
    /// that is all.
    pub(crate) async fn fed(
        &self,
        after: &EventId,
        until: &EventId,
        limit: u32,
    ) -> Result<(Vec<EventKey>, Option<EventId>), StoreError> {
        let page = self.feed(Some(after), limit).await?;
        let within = |(event, _): &(StoredEvent, Delivery)| event.key.id <= *until;
        let more = page.has_more && page.events.last().is_none_or(within);
        let keys = page.events.into_iter().filter(within).map(|(event, _)| event.key).collect();
        Ok((keys, page.cursor.filter(|_| more)))
    }
}
