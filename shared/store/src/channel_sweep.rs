//! How far the sweep of the Hub's channels has come, and what it has reported.

use onboarding::limiter::milliseconds;
use onboarding::{ChannelId, Class};
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Key, n, s};
use super::work::AT_WORK;
use super::{Store, StoreError};

/// After this long, what is still wrong is reported again.
const REPORTED: Duration = Duration::days(90);

impl Store {
    /// Makes sure that there is a sweep. One that never ran begins at `first`.
    pub async fn ensure_sweep(&self, first: OffsetDateTime) -> Result<(), StoreError> {
        match self.read_item(Key::sweep()).await? {
            Some(_) => Ok(()),
            None => self.sweep_on(0, first).await,
        }
    }

    /// The offset of the page of channels that the sweep reads next.
    pub async fn sweep_offset(&self) -> Result<u32, StoreError> {
        let found = self.read_item(Key::sweep()).await?;
        let offset = found.and_then(|found| item::number(&found, "channels_offset"));
        Ok(offset.and_then(|offset| offset.try_into().ok()).unwrap_or(0))
    }

    /// Notes which page the sweep reads next, and when.
    pub async fn sweep_on(&self, offset: u32, next_at: OffsetDateTime) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::sweep().attributes()))
            .update_expression(format!(
                "SET v = :v, channels_offset = :offset, due = :class, due_at = :next_at REMOVE {}",
                AT_WORK.join(", ")
            ))
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":offset", n(offset))
            .expression_attribute_values(":class", s(Class::Sweep.as_str()))
            .expression_attribute_values(":next_at", n(milliseconds(next_at)));
        self.update(request).await.map(drop)
    }

    /// Whether this was not reported of the channel within the last 90 days. From now on it is.
    pub async fn first_report(&self, channel_id: &ChannelId, what: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::report(channel_id, what).attributes()))
            .update_expression("SET v = :v, expires_at = :expires_at")
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":expires_at", n((now + REPORTED).unix_timestamp()))
            .expression_attribute_values(":now", n(now.unix_timestamp()));
        Ok(matches!(self.update(request).await?, Updated::Done(_)))
    }
}
