//! Many records at once.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use onboarding::OnboardingId;

use super::contention::RaceBackoff;
use super::item::{self, Item, Key};
use super::{Store, StoreError, Stored, record};

/// `BatchGetItem` takes no more keys.
pub(crate) const BATCH: usize = 100;

impl Store {
    /// The records with these ids. A consistent read, so a record is never older than what an index said of it. Records that
    /// are not there are left out: they were deleted after the index was read. Those of an unknown shape are logged, too.
    pub(crate) async fn records<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a OnboardingId>,
    ) -> Result<HashMap<OnboardingId, Stored>, StoreError> {
        // A key may be in a batch once only.
        let ids: Vec<&OnboardingId> = ids.into_iter().collect::<HashSet<_>>().into_iter().collect();
        let mut found = HashMap::new();
        for batch in ids.chunks(BATCH) {
            let keys = batch.iter().map(|id| Key::onboarding(id).attributes()).collect();
            let items = self.read_items(keys).await?;
            let by_pk = |item: Item| Some((item::text(&item, "pk")?.to_owned(), item));
            let mut items: HashMap<String, Item> = items.into_iter().filter_map(by_pk).collect();
            for id in batch {
                let Some(item) = items.remove(&Key::onboarding(id).pk) else { continue };
                match record::from_item(item) {
                    Ok(stored) => _ = found.insert((*id).clone(), stored),
                    Err(error) => tracing::error!(%error, onboarding_id = %id, "record left out of a list"),
                }
            }
        }
        Ok(found)
    }

    /// The items with these keys, at most 100, as far as they exist.
    pub(crate) async fn read_items(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut backoff = RaceBackoff::default();
        let mut waiting = Some(KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?);
        while let Some(keys) = waiting {
            let read = self.client.batch_get_item().request_items(&self.table, keys).send().await?;
            items.extend(read.responses.unwrap_or_default().remove(&self.table).unwrap_or_default());
            // More than 16 MB, or more than the table's capacity.
            waiting = read.unprocessed_keys.unwrap_or_default().remove(&self.table);
            if waiting.is_some() {
                let exhausted = |_| StoreError::Unavailable("BatchGetItem leaves keys unprocessed".to_owned());
                backoff.after_lost_race().await.map_err(exhausted)?;
            }
        }
        Ok(items)
    }
}
