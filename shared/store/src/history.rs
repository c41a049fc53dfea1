//! The history of an onboarding: every event that changed it.

use onboarding::{Event, EventId, Onboarding, OnboardingId, PartnerEvent, Status};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::event::{self, EntryWrites, EventKey};
use super::item::{self, EVENT_PREFIX, Key};
use super::{Store, StoreError, Stored};

/// How many entries are shown with a record.
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
    /// What was personal was taken out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

impl HistoryEntry {
    /// The first entry of every history.
    pub(crate) fn first(onboarding: &Onboarding) -> Self {
        Self {
            version: 1,
            at: onboarding.created_at,
            event: Event::Started,
            from: onboarding.status,
            to: onboarding.status,
            erased: false,
        }
    }

    /// The entry of what an event changed.
    pub(crate) fn of(before: &Stored, after: &Stored, event: &Event) -> Self {
        Self {
            version: after.version,
            at: after.onboarding.updated_at,
            event: event.clone(),
            from: before.onboarding.status,
            to: after.onboarding.status,
            erased: false,
        }
    }

    /// The writes that belong in the transaction of the record's: made anew at each try, with an id of this moment. `told`: what
    /// the partner is told of it.
    pub(crate) fn writes(
        &self,
        table: &str,
        id: &OnboardingId,
        told: Option<&PartnerEvent>,
        now: OffsetDateTime,
    ) -> Result<EntryWrites, StoreError> {
        let told = told.map(|event| (EventId::generate(now), event));
        let key = Key::entry(id, self.at, self.version, told.as_ref().map(|(event, _)| event))?;
        let mut entry = item::write(key.clone(), self)?;
        let Some((event_id, event)) = told else {
            return Ok(EntryWrites { entry: event::put(table, entry)?, delivery: None });
        };
        entry.extend(event::attributes(&event_id, event)?);
        let event_key = EventKey { onboarding: Some(id.clone()), id: event_id };
        let delivery = event::put(table, event::delivery_item(&event_key, &key.sk, self.at, now)?)?;
        Ok(EntryWrites { entry: event::put(table, entry)?, delivery: Some(delivery) })
    }
}

impl Store {
    /// What happened to an onboarding, oldest first, the newest 500 entries; nothing for an unknown one. Entries of an
    /// unknown shape are left out and logged.
    pub async fn history(&self, id: &OnboardingId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.newest_history(id, SHOWN).await
    }

    /// All that happened to an onboarding, as [`Self::history`].
    pub async fn whole_history(&self, id: &OnboardingId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.newest_history(id, usize::MAX).await
    }

    async fn newest_history(&self, id: &OnboardingId, most: usize) -> Result<Vec<HistoryEntry>, StoreError> {
        let query = self.query_items(Key::onboarding(id).pk, EVENT_PREFIX).scan_index_forward(false);
        let mut items = query.into_paginator().items().send();
        let mut entries = Vec::new();
        while let Some(item) = items.next().await {
            match item::read(item?) {
                Ok(entry) => entries.push(entry),
                Err(error) => tracing::error!(%error, "history entry left out"),
            }
            if entries.len() >= most {
                break;
            }
        }
        entries.reverse();
        Ok(entries)
    }
}
