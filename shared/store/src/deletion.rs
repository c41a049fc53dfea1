//! The end of an onboarding in the table. What it owned (its number, its channels) stays: these items hold ids only, and say that
//! the number was somebody's once.
//!
//! The record goes first, in one write with a note of what is left to be deleted. So a change that comes at the same moment
//! wins and keeps everything, or finds no onboarding. Were the history deleted first, the winner would be without it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use onboarding::limiter::milliseconds;
use onboarding::{Class, ClientAccount, Onboarding, OnboardingId, Status, WabaId};
use serde::Serialize;
use time::OffsetDateTime;

use super::contention::{RaceBackoff, Transacted};
use super::history::HistoryEntry;
use super::item::{self, EVENT_PREFIX, Item, Key, n, s};
use super::waba::wabas_of_event;
use super::{Store, StoreError, Stored, known_client};

/// As many items are deleted at once. A transaction takes no more writes.
pub(crate) const AT_ONCE: usize = 100;

/// The note that the rest of an onboarding is to be deleted.
#[derive(Serialize)]
struct Note {
    due: &'static str,
    due_at: i64,
}

impl Store {
    /// Onboardings that reached a status at `until` or before, at most `limit`, from where the last look ended; the earliest
    /// first. Eventually consistent. A record that has to stay does not hide those behind it: the next look goes on there, and
    /// begins anew at the end.
    pub async fn long_in_status(
        &self,
        status: Status,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<OnboardingId>, StoreError> {
        let from = self.place_of_look(Key::retention_look(), status).await?;
        let found = self.in_status(status, from, until, limit).await?;
        let last = found.last().filter(|_| found.len() >= limit as usize);
        let next = last.map_or(0, |last| milliseconds(last.since));
        if next != from {
            self.note_place_of_look(Key::retention_look(), status, next).await?;
        }
        Ok(found.into_iter().map(|found| found.id).collect())
    }

    /// Deletes a record, unless something has changed it since it was read. Whether it did. Everything else of the onboarding
    /// is then due: [`Self::delete_rest`].
    pub async fn delete_record(&self, stored: &Stored) -> Result<bool, StoreError> {
        let id = &stored.onboarding.id;
        // Every change raises the version.
        let record = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::onboarding(id).attributes()))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", n(stored.version))
            .build()?;
        let note = Note { due: Class::Reconciliation.as_str(), due_at: milliseconds(self.clock.now()) };
        let note =
            Put::builder().table_name(&self.table).set_item(Some(item::write(Key::deleted(id), &note)?)).build()?;
        let mut writes =
            vec![TransactWriteItem::builder().delete(record).build(), TransactWriteItem::builder().put(note).build()];
        if let Some(key) = self.known_client_of(&stored.onboarding).await? {
            let known = Delete::builder().table_name(&self.table).set_key(Some(key.attributes())).build()?;
            writes.push(TransactWriteItem::builder().delete(known).build());
        }
        let mut backoff = RaceBackoff::default();
        loop {
            match self.transact(writes.clone()).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(_) => return Ok(false),
                Transacted::Contended => backoff.after_lost_race().await?,
            }
        }
    }

    /// What the table keeps of the e-mail address of its client account; `None` if another onboarding has the account, too.
    pub(crate) async fn known_client_of(&self, onboarding: &Onboarding) -> Result<Option<Key>, StoreError> {
        let ClientAccount::Known { id, details: Some(details) } = &onboarding.client else { return Ok(None) };
        let known = self.known_clients([details.email.as_str()]).await?;
        // Another account of the same address is another onboarding's.
        if known.values().all(|known| known.id != *id) {
            return Ok(None);
        }
        let of_client = self.by_client(id).await?;
        let has_it = |other: &Stored| other.onboarding.id != onboarding.id && other.onboarding.erased_at.is_none();
        let is_shared = of_client.iter().any(has_it);
        Ok((!is_shared).then(|| known_client::key(&exchange::folded_email(&details.email))))
    }

    /// Deletes up to 100 items of an onboarding whose record is deleted: its history, whatever else lies in its partition, its
    /// holds of WABAs, and last the note. Whether nothing is left.
    pub async fn delete_rest(&self, id: &OnboardingId) -> Result<bool, StoreError> {
        // Another run has finished it, or the record is there.
        if self.read_item(Key::deleted(id)).await?.is_none() {
            return Ok(true);
        }
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(Key::onboarding(id).pk))
            .limit(i32::try_from(AT_ONCE).unwrap_or(i32::MAX));
        let page = query.send().await?;
        let is_last = page.last_evaluated_key.is_none();
        let items = page.items.unwrap_or_default();
        // An entry says which WABAs were held, so it goes after the holds.
        let wabas: BTreeSet<WabaId> = items.iter().flat_map(held_since).collect();
        let mut keys: Vec<Key> = wabas.iter().map(|waba_id| Key::waba(waba_id, id)).collect();
        keys.extend(items.iter().filter_map(Key::of).filter(|key| *key != Key::deleted(id)));
        keys.extend(is_last.then(|| Key::deleted(id)));
        for keys in keys.chunks(AT_ONCE) {
            self.delete_items(keys).await?;
        }
        Ok(is_last)
    }

    /// Deletes at most 100 items in one transaction. An item that is not there is deleted already.
    pub(crate) async fn delete_items(&self, keys: &[Key]) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        for key in keys {
            let delete = Delete::builder().table_name(&self.table).set_key(Some(key.clone().attributes())).build()?;
            writes.push(TransactWriteItem::builder().delete(delete).build());
        }
        let mut backoff = RaceBackoff::default();
        while self.transact(writes.clone()).await? != Transacted::Done {
            backoff.after_lost_race().await?;
        }
        Ok(())
    }
}

/// The WABAs that the onboarding has since this entry of its history.
fn held_since(item: &Item) -> Vec<WabaId> {
    if !item::text(item, "sk").is_some_and(|sk| sk.starts_with(EVENT_PREFIX)) {
        return Vec::new();
    }
    match item::read::<HistoryEntry>(item.clone()) {
        Ok(entry) => wabas_of_event(&entry.event).into_iter().cloned().collect(),
        Err(error) => {
            tracing::error!(%error, "history entry deleted unread: a hold of a WABA may stay");
            Vec::new()
        }
    }
}
