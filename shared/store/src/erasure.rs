//! What is personal is taken out of an onboarding: first out of its record, with a note of what is left to be done, then out of
//! each entry of its history, and out of what lies beside it. An interrupted erasure goes on where it was.

use std::time::Instant;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use onboarding::limiter::milliseconds;
use onboarding::{Class, Event, Onboarding, OnboardingId, PartnerEvent, Requester};
use serde::Serialize;

use super::contention::Updated;
use super::history::HistoryEntry;
use super::item::{self, EVENT_PREFIX, Item, Key, s};
use super::{Applied, Store, StoreError};

/// The note that the rest is to be erased.
#[derive(Serialize)]
struct Note {
    due: &'static str,
    due_at: i64,
}

/// The write of the note.
pub(crate) fn note(table: &str, after: &Onboarding) -> Result<TransactWriteItem, StoreError> {
    let note = Note { due: Class::Reconciliation.as_str(), due_at: milliseconds(after.updated_at) };
    let put = Put::builder().table_name(table).set_item(Some(item::write(Key::erasure(&after.id), &note)?)).build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

impl Store {
    /// Erases what is personal in the record of an onboarding at rest. The rest is due then: [`Self::erase_rest`].
    ///
    /// # Errors
    /// [`StoreError::Illegal`], if it is not at rest.
    pub async fn erase(&self, id: &OnboardingId, by: Requester) -> Result<Applied, StoreError> {
        let before = self.get(id).await?.onboarding;
        // While the record still says the address.
        if before.may_be_erased(self.clock.now())
            && let Some(key) = self.known_client_of(&before).await?
        {
            self.delete_items(&[key]).await?;
        }
        self.apply(id, &Event::Erased { by }).await
    }

    /// Erases what is personal in the history, and what lies beside the record. `false` if something is left for another time.
    pub async fn erase_rest(&self, id: &OnboardingId, until: Instant) -> Result<bool, StoreError> {
        if self.read_item(Key::erasure(id)).await?.is_none() {
            return Ok(true);
        }
        let query = self.query_items(Key::onboarding(id).pk, EVENT_PREFIX);
        let query = query.filter_expression("attribute_not_exists(erased)");
        let (mut entries, mut all) = (query.into_paginator().items().send(), true);
        while let Some(entry) = entries.next().await.transpose()? {
            if Instant::now() >= until {
                return Ok(false);
            }
            all &= self.erase_entry(entry).await?;
        }
        if !all {
            return Ok(false);
        }
        let onboarding = self.get(id).await?.onboarding;
        let channels = onboarding.former_channels.iter().chain(&onboarding.channel_id).map(Key::seen);
        let keys: Vec<Key> = channels.chain([Key::popup(id), Key::last_seen(id), Key::erasure(id)]).collect();
        for keys in keys.chunks(super::deletion::AT_ONCE) {
            self.delete_items(keys).await?;
        }
        Ok(true)
    }

    /// The only change of an entry, ever. `false` if somebody else was there.
    async fn erase_entry(&self, entry: Item) -> Result<bool, StoreError> {
        let Some(key) = Key::of(&entry) else { return Ok(true) };
        let data = item::text(&entry, "data").map(str::to_owned);
        let event = match item::read::<HistoryEntry>(entry) {
            Ok(entry) => entry.event.without_person(),
            Err(error) => {
                // Nobody can tell what is personal in it: all goes.
                tracing::error!(%error, "history entry of an unknown shape erased as a whole");
                Event::Started
            }
        };
        let unreadable = |error: &dyn std::fmt::Display| item::unreadable(&key.pk, error);
        let event = serde_dynamo::to_attribute_value(event).map_err(|error| unreadable(&error))?;
        let request = self
            .client
            .update_item()
            .set_key(Some(key.clone().attributes()))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#event", "event")
            .expression_attribute_values(":event", event)
            .expression_attribute_values(":erased", AttributeValue::Bool(true));
        let request = match data {
            None => request.update_expression("SET #event = :event, erased = :erased"),
            Some(data) => {
                let data = serde_json::from_str(&data).map_err(|error| unreadable(&error))?;
                request
                    .update_expression("SET #event = :event, erased = :erased, #data = :data")
                    .expression_attribute_names("#data", "data")
                    .expression_attribute_values(":data", s(PartnerEvent::erased(data).to_string()))
            }
        };
        Ok(matches!(self.update(request).await?, Updated::Done(_)))
    }
}
