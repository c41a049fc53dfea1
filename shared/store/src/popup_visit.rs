//! Whose customer went to Meta lately: who a signup may be of that Meta reports and no page handed over.

use onboarding::OnboardingId;
use onboarding::limiter::milliseconds;
use time::{Duration, OffsetDateTime};

use super::item::{self, Key, POPUP, n, s};
use super::{Store, StoreError};

/// How long Meta's window may stay open before its customer has given up.
const OPEN: Duration = Duration::hours(24);

impl Store {
    /// Notes that the customer is at Meta.
    pub async fn popup_opened(&self, id: &OnboardingId) -> Result<(), StoreError> {
        let now = self.clock.now();
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::popup(id).attributes()))
            .update_expression(
                "SET v = :v, opened_at = :opened_at, expires_at = :expires_at, \
                 first_opened_at = if_not_exists(first_opened_at, :opened_at)",
            )
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":opened_at", n(milliseconds(now)))
            .expression_attribute_values(":expires_at", n((now + OPEN).unix_timestamp()));
        self.update(request).await.map(drop)
    }

    /// The onboardings whose customers had gone to Meta at `at`, and within 24 hours before it or again since; at most `limit`.
    pub async fn popups_opened(&self, at: OffsetDateTime, limit: usize) -> Result<Vec<OnboardingId>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .filter_expression("opened_at >= :since AND first_opened_at <= :at")
            .expression_attribute_values(":pk", s(POPUP))
            .expression_attribute_values(":since", n(milliseconds(at - OPEN)))
            .expression_attribute_values(":at", n(milliseconds(at)))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(item) = items.next().await else { break };
            let id = item::text(&item?, "sk").and_then(|id| id.parse().ok());
            found.extend(id);
        }
        Ok(found)
    }
}
