//! Lists of records, by one filter. The indexes hold keys only, so a page is two reads: of its places in the index, then of its
//! records. By a WABA the places are its holds, by a number or a channel the owner's item.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use onboarding::limiter::milliseconds;
use onboarding::{ChannelId, ClientId, Onboarding, OnboardingId, PhoneNumberId, Status, WabaId};
use time::OffsetDateTime;

use super::item::{self, Item, LISTED, n, s};
use super::place::Place;
use super::{Store, StoreError, Stored, overdue, schema};

/// The longest page of [`Store::list`].
const LONGEST_PAGE: u32 = 100;
/// After this many queries a page that holds something is not filled any further: records are left out in large numbers.
const MOST_QUERIES: usize = 10;
/// The most records of one client account.
const MOST_OF_A_CLIENT: usize = 200;

/// Which records to list. Each has an index of its own or items of its own, so the first page takes as long with 100,000 records
/// as with ten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListFilter {
    /// All of them, newest first.
    #[default]
    All,
    /// Those in this status. The record that reached it last is first.
    Status(Status),
    /// Those that are overdue. The record that became overdue last is first.
    Overdue,
    /// Those with this reference of the partner's, newest first.
    Reference(String),
    /// Those of this client account, newest first.
    Client(ClientId),
    /// Those whose signup was proven for this WABA, newest first.
    Waba(WabaId),
    /// The one that owns this number.
    PhoneNumber(PhoneNumberId),
    /// The one that owns this channel.
    Channel(ChannelId),
    /// Those that changed after this time. The earliest change is first.
    UpdatedAfter(OffsetDateTime),
}

/// Where the places of a list are: a partition of an index, or of the table.
pub(crate) struct Partition {
    /// `None`: the table.
    pub(crate) index: Option<&'static str>,
    /// The attribute that makes the partition, and its value there.
    pub(crate) attribute: &'static str,
    pub(crate) value: String,
    pub(crate) sort: Sort,
}

/// By what the places of a list are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The attribute `id`.
    Id,
    /// The id as a part of the table's key.
    Key,
    /// The attribute `changed_at`.
    ChangedAt,
    /// The attribute `updated_ms`, from behind this one on.
    UpdatedAfter(i64),
}

impl ListFilter {
    /// Where its list is; `None` if it finds one record at most, by its owner.
    pub(crate) fn partition(&self) -> Option<Partition> {
        let of = |index, attribute, value: &str, sort| Partition { index, attribute, value: value.to_owned(), sort };
        Some(match self {
            Self::All => of(Some(schema::BY_CREATION), "listed", LISTED, Sort::Id),
            Self::Status(status) => of(Some(schema::BY_STATUS), "status", status.as_str(), Sort::ChangedAt),
            Self::Overdue => of(Some(schema::BY_STATUS), "status", overdue::PARTITION, Sort::ChangedAt),
            Self::Reference(reference) => of(Some(schema::BY_REFERENCE), "reference", reference, Sort::Id),
            Self::Client(client_id) => of(Some(schema::BY_CLIENT), "client_id", client_id.as_str(), Sort::Key),
            Self::Waba(waba_id) => of(None, "pk", &item::waba_pk(waba_id), Sort::Key),
            Self::PhoneNumber(_) | Self::Channel(_) => return None,
            Self::UpdatedAfter(time) => {
                of(Some(schema::BY_CHANGE), "listed", LISTED, Sort::UpdatedAfter(milliseconds(*time)))
            }
        })
    }

    /// Whether the record still belongs at its place in the list: it may be newer than that. One that has changed since is not
    /// shown among earlier changes, so that the list is in the order of the changes that it shows.
    fn admits(&self, place: &Place, onboarding: &Onboarding) -> bool {
        match self {
            Self::All | Self::Reference(_) | Self::Waba(_) | Self::PhoneNumber(_) | Self::Channel(_) => true,
            Self::Status(status) => onboarding.status == *status,
            Self::Overdue => onboarding.overdue_since.is_some(),
            Self::Client(client_id) => onboarding.client_id() == Some(client_id),
            Self::UpdatedAfter(_) => place.is_of_change_at(onboarding.updated_at),
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
        let Some(partition) = filter.partition() else { return self.owner_page(filter, cursor).await };
        // One more than asked for tells whether there is another page.
        let query = self.query_places(&partition).limit(limit.cast_signed() + 1);
        let limit = limit as usize;

        let start = cursor.map(|cursor| Place::read_cursor(cursor, partition.sort)).transpose()?;
        let mut start = start.map(|place| place.key(&partition));
        let mut found = Vec::new();
        for queries in 1.. {
            let page = query.clone().set_exclusive_start_key(start).send().await?;
            let places = page.items.unwrap_or_default();
            let places: Vec<Place> = places.iter().filter_map(|item| Place::of(item, &partition)).collect();
            let mut records = self.records(places.iter().map(|place| &place.id)).await?;
            found.extend(places.into_iter().filter_map(|place| {
                let stored = records.remove(&place.id)?;
                filter.admits(&place, &stored.onboarding).then_some((place, stored))
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

    /// The page of a list with one record at most. No page follows it, so no cursor is of it.
    async fn owner_page(&self, filter: &ListFilter, cursor: Option<&str>) -> Result<Page, StoreError> {
        if cursor.is_some() {
            return Err(StoreError::InvalidCursor);
        }
        let owner = match filter {
            ListFilter::PhoneNumber(phone_number_id) => self.number_owner(phone_number_id).await?,
            ListFilter::Channel(channel_id) => self.channel_owner(channel_id).await?,
            _ => None,
        };
        // What a record that was deleted owned still names it.
        let onboardings = self.records(&owner).await?.into_values().collect();
        Ok(Page { onboardings, cursor: None })
    }

    /// The onboardings of a client account, newest first, of the newest 200. The index is eventually consistent. Records that
    /// are gone or of an unknown shape are left out.
    pub async fn by_client(&self, client_id: &ClientId) -> Result<Vec<Stored>, StoreError> {
        let query = self.query_partition(Some(schema::BY_CLIENT), "client_id", client_id.as_str());
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

    /// All places of a list, in its order.
    fn query_places(&self, partition: &Partition) -> QueryFluentBuilder {
        let query = self.query_partition(partition.index, partition.attribute, &partition.value);
        match partition.sort {
            Sort::Id | Sort::Key | Sort::ChangedAt => query,
            Sort::UpdatedAfter(time) => query
                .key_condition_expression("#partition = :partition AND updated_ms > :time")
                .expression_attribute_values(":time", n(time))
                .scan_index_forward(true),
        }
    }

    /// All places of a partition of an index, or of the table, the last first.
    pub(crate) fn query_partition(&self, index: Option<&str>, attribute: &str, value: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .set_index_name(index.map(str::to_owned))
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
