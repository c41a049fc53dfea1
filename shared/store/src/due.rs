//! What reconciliation has to look at.

use onboarding::OnboardingId;
use time::OffsetDateTime;

use super::inbox::InboxKey;
use super::item::{self, DUE, milliseconds, n, s};
use super::{Store, StoreError, schema};

/// Something that did not move in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// An onboarding that is not at rest.
    Onboarding(OnboardingId),
    /// A webhook that is kept and not processed.
    Inbox(InboxKey),
}

impl Store {
    /// What is due at `now`, longest due first, at most `limit`. An eventually consistent read: what was just moved may
    /// still be among it.
    pub async fn due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Due>, StoreError> {
        let limit = limit.clamp(1, 1000);
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(schema::BY_DUE)
            .key_condition_expression("due = :due AND due_at <= :now")
            .expression_attribute_values(":due", s(DUE))
            .expression_attribute_values(":now", n(milliseconds(now)));
        let mut items = query.into_paginator().page_size(limit.cast_signed()).items().send();
        let mut found = Vec::new();
        while found.len() < limit as usize {
            let Some(item) = items.next().await else { break };
            let item = item?;
            let pk = item::text(&item, "pk").unwrap_or_default();
            let due = item::onboarding_id(pk).map(Due::Onboarding).or_else(|| item::inbox_key(pk).map(Due::Inbox));
            if due.is_none() {
                tracing::error!(pk, "due item of an unknown kind left out");
            }
            found.extend(due);
        }
        Ok(found)
    }
}
