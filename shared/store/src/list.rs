//! Records by reference, by client account, and all of them.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onboarding::{ClientId, OnboardingId, Status};

use super::item::{self, Item, Key, LISTED, s};
use super::{Store, StoreError, Stored, record, schema};

/// The longest page of [`Store::list`].
const LONGEST_PAGE: u32 = 100;
/// The most queries for one page: with a rare status it may be short, or even empty, and still not the last.
const MOST_QUERIES: usize = 10;
/// The most records of one client account.
const MOST_OF_A_CLIENT: usize = 200;

/// Which records to list. Both may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only those in this status.
    pub status: Option<Status>,
    /// Only those with this reference of the partner's.
    pub reference: Option<String>,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub onboardings: Vec<Stored>,
    /// Where the next page begins; `None` on the last one.
    pub cursor: Option<String>,
}

impl Store {
    /// A page of at most `limit` (1 to 100) records, newest first, from `cursor` on. Eventually consistent. Records of an
    /// unknown shape are left out and logged.
    pub async fn list(&self, filter: &ListFilter, cursor: Option<&str>, limit: u32) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let after = cursor.map(read_cursor).transpose()?;
        // One more than asked for tells whether there is another page.
        let evaluated = if filter.status.is_some() { LONGEST_PAGE } else { limit } + 1;
        let limit = limit as usize;

        let query = self.list_query(filter, after.as_ref()).limit(evaluated.cast_signed());
        let mut pages = query.into_paginator().send();
        let mut onboardings = Vec::new();
        let mut rest = None;
        for _ in 0..MOST_QUERIES {
            let Some(page) = pages.next().await.transpose()? else { break };
            onboardings.extend(readable(page.items.unwrap_or_default()));
            rest = page.last_evaluated_key;
            if onboardings.len() > limit || rest.is_none() {
                break;
            }
        }

        let cursor = if onboardings.len() > limit {
            onboardings.truncate(limit);
            onboardings.last().map(|last: &Stored| write_cursor(last.onboarding.id.as_str()))
        } else {
            rest.as_ref().and_then(|key| item::text(key, "id")).map(write_cursor)
        };
        Ok(Page { onboardings, cursor })
    }

    /// The onboardings of a client account, newest first, at most 200. Eventually consistent. Records of an unknown shape
    /// are left out and logged.
    pub async fn by_client(&self, client_id: &ClientId) -> Result<Vec<Stored>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(schema::BY_CLIENT)
            .key_condition_expression("client_id = :client_id")
            .expression_attribute_values(":client_id", s(client_id.as_str()))
            .scan_index_forward(false);
        let mut pages = query.into_paginator().send();
        let mut found = Vec::new();
        while found.len() < MOST_OF_A_CLIENT {
            let Some(page) = pages.next().await.transpose()? else { break };
            found.extend(readable(page.items.unwrap_or_default()));
        }
        found.truncate(MOST_OF_A_CLIENT);
        Ok(found)
    }

    fn list_query(&self, filter: &ListFilter, after: Option<&OnboardingId>) -> QueryFluentBuilder {
        let (index, attribute, value) = match &filter.reference {
            Some(reference) => (schema::BY_REFERENCE, "reference", reference.as_str()),
            None => (schema::BY_CREATION, "listed", LISTED),
        };
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":partition", s(value))
            .set_exclusive_start_key(after.map(|id| {
                let mut key = Key::onboarding(id).attributes();
                key.extend([(attribute.to_owned(), s(value)), ("id".to_owned(), s(id.as_str()))]);
                key
            }))
            .scan_index_forward(false);
        match filter.status {
            None => query,
            Some(status) => query
                .filter_expression("#status = :status")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", s(status.as_str())),
        }
    }
}

fn readable(items: Vec<Item>) -> impl Iterator<Item = Stored> {
    items.into_iter().filter_map(|item| {
        record::from_item(item).inspect_err(|error| tracing::error!(%error, "record left out of a list")).ok()
    })
}

/// The id of the last record says where the next page begins: the rest of its key follows from the filter. A cursor can
/// therefore name nothing but a place in the list.
fn write_cursor(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

fn read_cursor(cursor: &str) -> Result<OnboardingId, StoreError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::InvalidCursor)?;
    String::from_utf8(bytes).ok().and_then(|id| id.parse().ok()).ok_or(StoreError::InvalidCursor)
}
