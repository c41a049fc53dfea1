//! Records by status, by reference, by client account, and all of them. The indexes hold keys only, so a page is two reads:
//! of its places in the index, then of its records.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use onboarding::{ClientId, OnboardingId, Status};

use super::item::{self, Item, LISTED, s};
use super::place::Place;
use super::{Store, StoreError, Stored, schema};

/// The longest page of [`Store::list`].
const LONGEST_PAGE: u32 = 100;
/// After this many queries a page that holds something is not filled any further: records are left out in large numbers.
const MOST_QUERIES: usize = 10;
/// The most records of one client account.
const MOST_OF_A_CLIENT: usize = 200;

/// Which records to list. Each has an index of its own, so the first page takes as long with 100,000 records as with ten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListFilter {
    /// All of them, newest first.
    #[default]
    All,
    /// Those in this status. The record that reached it last is first.
    Status(Status),
    /// Those with this reference of the partner's, newest first.
    Reference(String),
}

impl ListFilter {
    /// The index, and the attribute and the value of the partition in it.
    pub(crate) fn partition(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::All => (schema::BY_CREATION, "listed", LISTED),
            Self::Status(status) => (schema::BY_STATUS, "status", status.as_str()),
            Self::Reference(reference) => (schema::BY_REFERENCE, "reference", reference),
        }
    }

    /// Whether the record still belongs in the list: it may be newer than its place in the index.
    fn admits(&self, onboarding: &onboarding::Onboarding) -> bool {
        match self {
            Self::All | Self::Reference(_) => true,
            Self::Status(status) => onboarding.status == *status,
        }
    }
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order that [`ListFilter`] says. Empty only on the last page.
    pub onboardings: Vec<Stored>,
    /// Where the next page begins; `None` on the last one.
    pub cursor: Option<String>,
}

impl Store {
    /// A page of at most `limit` (1 to 100) records, from `cursor` on. The index is eventually consistent. Records that are
    /// gone or of an unknown shape are left out.
    pub async fn list(&self, filter: &ListFilter, cursor: Option<&str>, limit: u32) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let (index, attribute, value) = filter.partition();
        // One more than asked for tells whether there is another page.
        let query = self.query_index(index, attribute, value).limit(limit.cast_signed() + 1);
        let limit = limit as usize;

        let mut start = cursor.map(|cursor| Place::read_cursor(cursor, filter)).transpose()?.map(|at| at.key(filter));
        let mut found = Vec::new();
        for queries in 1.. {
            let page = query.clone().set_exclusive_start_key(start).send().await?;
            let places = page.items.unwrap_or_default();
            let places: Vec<Place> = places.iter().filter_map(|item| Place::of(item, filter)).collect();
            let mut records = self.records(places.iter().map(|place| &place.id)).await?;
            found.extend(places.into_iter().filter_map(|place| {
                let stored = records.remove(&place.id)?;
                filter.admits(&stored.onboarding).then_some((place, stored))
            }));
            start = page.last_evaluated_key;
            if found.len() > limit || start.is_none() || (queries >= MOST_QUERIES && !found.is_empty()) {
                break;
            }
        }

        let more = found.len() > limit || start.is_some();
        found.truncate(limit);
        let cursor = found.last().filter(|_| more).map(|(place, _)| place.write_cursor());
        Ok(Page { onboardings: found.into_iter().map(|(_, stored)| stored).collect(), cursor })
    }

    /// The onboardings of a client account, newest first, of the newest 200. The index is eventually consistent. Records that
    /// are gone or of an unknown shape are left out.
    pub async fn by_client(&self, client_id: &ClientId) -> Result<Vec<Stored>, StoreError> {
        let query = self.query_index(schema::BY_CLIENT, "client_id", client_id.as_str());
        let mut items = query.into_paginator().items().send();
        let mut ids = Vec::new();
        while ids.len() < MOST_OF_A_CLIENT {
            let Some(item) = items.next().await.transpose()? else { break };
            ids.extend(onboarding_of(&item));
        }
        let mut records = self.records(&ids).await?;
        let found = ids.iter().filter_map(|id| records.remove(id));
        Ok(found.filter(|stored| stored.onboarding.client_id() == Some(client_id)).collect())
    }

    /// All places of a partition, the last first.
    pub(crate) fn query_index(&self, index: &str, attribute: &str, value: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":partition", s(value))
            .scan_index_forward(false)
    }
}

/// The onboarding of an item of an index. Its `pk` names it, whatever the item's `sk`.
pub(crate) fn onboarding_of(item: &Item) -> Option<OnboardingId> {
    let pk = item::text(item, "pk").unwrap_or_default();
    let id = item::onboarding_id(pk);
    if id.is_none() {
        tracing::error!(pk, "listed item of an unknown kind left out");
    }
    id
}
