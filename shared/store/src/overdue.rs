//! What has been in one status for long: found by the index of lists, from where the last look ended. And the list of those that
//! are overdue: an item of each stands in the same index, under a word that is no status.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use onboarding::limiter::{from_milliseconds, milliseconds};
use onboarding::{OnboardingId, Status};
use serde::Serialize;
use time::OffsetDateTime;

use super::item::{self, Key, n, s};
use super::list::onboarding_of;
use super::{Store, StoreError, schema};

/// The partition of the index `by_status` of those that are overdue.
pub(crate) const PARTITION: &str = "overdue";

/// The attributes of the item of an onboarding that is overdue.
#[derive(Serialize)]
struct Overdue {
    status: &'static str,
    changed_at: i64,
}

/// The write that puts an onboarding on the list of those that are overdue.
pub(crate) fn enlist(table: &str, id: &OnboardingId, since: OffsetDateTime) -> Result<TransactWriteItem, StoreError> {
    let overdue = Overdue { status: PARTITION, changed_at: milliseconds(since) };
    let put = Put::builder().table_name(table).set_item(Some(item::write(Key::overdue(id), &overdue)?)).build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// The write that takes it off the list. Its item stays, so that few roles have to delete anything.
pub(crate) fn strike(table: &str, id: &OnboardingId) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(Key::overdue(id).attributes()))
        .update_expression("SET v = :v REMOVE #status, changed_at")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":v", n(item::SHAPE))
        .build()?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// An onboarding in a status, as the index shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InStatus {
    /// Which.
    pub id: OnboardingId,
    /// Since when.
    pub since: OffsetDateTime,
}

impl Store {
    /// The onboardings that reached a status at `until` or before, and not before the last look ended, at most `limit`; the
    /// earliest first. Eventually consistent.
    pub async fn in_status_since(
        &self,
        status: Status,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<InStatus>, StoreError> {
        let from = self.place_of_look(Key::overdue_look(), status).await?;
        self.in_status(status, from, until, limit).await
    }

    /// The onboardings that reached a status at `until` or before, and at `from` or after, at most `limit`; the earliest
    /// first. Eventually consistent.
    pub(crate) async fn in_status(
        &self,
        status: Status,
        from: i64,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<InStatus>, StoreError> {
        let until = milliseconds(until);
        // A time that was raised: those that have come to it were looked at before.
        if from > until {
            return Ok(Vec::new());
        }
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(schema::BY_STATUS)
            .key_condition_expression("#status = :status AND changed_at BETWEEN :from AND :until")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", s(status.as_str()))
            .expression_attribute_values(":from", n(from))
            .expression_attribute_values(":until", n(until));
        let mut items = query.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < limit as usize {
            let Some(item) = items.next().await.transpose()? else { break };
            let since = item::number(&item, "changed_at").map(from_milliseconds);
            found.extend(onboarding_of(&item).zip(since).map(|(id, since)| InStatus { id, since }));
        }
        Ok(found)
    }

    /// Notes how far the look at a status has come: those that reached it before `since` are not shown again.
    pub async fn looked_at(&self, status: Status, since: OffsetDateTime) -> Result<(), StoreError> {
        self.note_place_of_look(Key::overdue_look(), status, milliseconds(since)).await
    }

    /// How far a look at a status has come, in epoch milliseconds.
    pub(crate) async fn place_of_look(&self, look: Key, status: Status) -> Result<i64, StoreError> {
        let found = self.read_item(look).await?;
        Ok(found.and_then(|found| item::number(&found, status.as_str())).unwrap_or(0))
    }

    pub(crate) async fn note_place_of_look(&self, look: Key, status: Status, at: i64) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(look.attributes()))
            .update_expression("SET v = :v, #status = :at")
            .expression_attribute_names("#status", status.as_str())
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":at", n(at));
        self.update(request).await.map(drop)
    }
}
