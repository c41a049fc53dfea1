//! When the page of an onboarding was last looked at. An item of its own: no entry, no version and nobody's wake.

use onboarding::OnboardingId;
use onboarding::limiter::{from_milliseconds, milliseconds};
use time::{Duration, OffsetDateTime};

use super::item::{self, Key, n};
use super::{Store, StoreError};

/// How exact the time is: it is written once in this time at most.
const EXACT_TO: Duration = Duration::minutes(10);

impl Store {
    /// Notes that the page was looked at, unless that was noted in the last ten minutes.
    pub async fn note_page_seen(&self, id: &OnboardingId) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.page_last_seen(id).await?.is_some_and(|at| now < at + EXACT_TO) {
            return Ok(());
        }
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::last_seen(id).attributes()))
            .update_expression("SET v = :v, seen_at = :now")
            .condition_expression("attribute_not_exists(seen_at) OR seen_at <= :before")
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":now", n(milliseconds(now)))
            .expression_attribute_values(":before", n(milliseconds(now - EXACT_TO)));
        self.update(request).await.map(drop)
    }

    /// When the page was last looked at, exact to ten minutes; `None` if it never was.
    pub async fn page_last_seen(&self, id: &OnboardingId) -> Result<Option<OffsetDateTime>, StoreError> {
        let found = self.read_item(Key::last_seen(id)).await?;
        Ok(found.and_then(|found| item::number(&found, "seen_at")).map(from_milliseconds))
    }
}
