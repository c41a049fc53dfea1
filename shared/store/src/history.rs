//! The history of an onboarding: every event that changed it.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::{Event, OnboardingId, Status};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::item::{self, EVENT_PREFIX, Key, s};
use super::{Store, StoreError, Stored};

/// How many entries are read at most: an answer of Lambda's holds 6 MB.
const SHOWN: usize = 500;

/// One event that changed an onboarding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The version of the record that it led to. Without gaps, from 1.
    pub version: u64,
    /// When it was applied.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The event.
    pub event: Event,
    /// The status before.
    pub from: Status,
    /// The status after.
    pub to: Status,
}

impl HistoryEntry {
    /// The entry of what an event changed.
    pub(crate) fn of(before: &Stored, after: &Stored, event: &Event) -> Self {
        Self {
            version: after.version,
            at: after.onboarding.updated_at,
            event: event.clone(),
            from: before.onboarding.status,
            to: after.onboarding.status,
        }
    }

    /// The write that belongs in the transaction of the record's.
    pub(crate) fn write(&self, table: &str, id: &OnboardingId) -> Result<TransactWriteItem, StoreError> {
        let item = item::write(Key::event(id, self.at, self.version)?, self)?;
        let put = Put::builder().table_name(table).set_item(Some(item)).build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl Store {
    /// What happened to an onboarding, oldest first, the newest 500 entries; nothing for an unknown one. Entries of an
    /// unknown shape are left out and logged.
    pub async fn history(&self, id: &OnboardingId) -> Result<Vec<HistoryEntry>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :pk AND begins_with(sk, :events)")
            .expression_attribute_values(":pk", s(Key::onboarding(id).pk))
            .expression_attribute_values(":events", s(EVENT_PREFIX));
        let mut items = query.into_paginator().items().send();
        let mut entries = Vec::new();
        while let Some(item) = items.next().await {
            match item::read(item?) {
                Ok(entry) => entries.push(entry),
                Err(error) => tracing::error!(%error, "history entry left out"),
            }
            if entries.len() >= SHOWN {
                break;
            }
        }
        entries.reverse();
        Ok(entries)
    }
}
