//! The bucket of the Hub's call limit, shared by all functions.

use onboarding::call_limit::{Bucket, CallLimit, Permit, Priority, Slot};
use serde::{Deserialize, Serialize};
use time::Duration;

use super::contention::{RaceBackoff, Updated};
use super::item::{self, Key, n};
use super::{Store, StoreError};

/// How soon to come back when too many others are at the bucket.
const BUSY: Duration = Duration::seconds(2);

#[derive(Default, Serialize, Deserialize)]
struct LimitItem {
    version: u64,
    bucket: Bucket,
}

impl Store {
    /// Takes a token for one Hub call, or says when to come back. `slot` is that of an earlier answer.
    pub async fn take_call(
        &self,
        limit: CallLimit,
        priority: Priority,
        slot: Option<Slot>,
    ) -> Result<Permit, StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let LimitItem { version, mut bucket } = match self.read_item(Key::limit()).await? {
                Some(found) => item::read(found)?,
                None => LimitItem::default(),
            };
            let now = self.clock.now();
            let permit = bucket.take(limit, priority, slot, now);
            if self.write_limit(version, bucket).await? {
                return Ok(permit);
            }
            match backoff.after_lost_race().await {
                Err(StoreError::Busy) => return Ok(Permit::RetryAt { until: now + BUSY, slot }),
                other => other?,
            }
        }
    }

    /// Whether nobody wrote since `version` was read.
    async fn write_limit(&self, version: u64, bucket: Bucket) -> Result<bool, StoreError> {
        let mut written = item::write(Key::limit(), &LimitItem { version: version + 1, bucket })?;
        let mut value =
            |name: &str| written.remove(name).ok_or_else(|| item::unreadable("LIMIT#hub", &format!("no {name}")));
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression("SET v = :v, version = :next, #bucket = :bucket")
            .expression_attribute_names("#bucket", "bucket")
            .condition_expression("attribute_not_exists(pk) OR version = :version")
            .expression_attribute_values(":v", value("v")?)
            .expression_attribute_values(":next", value("version")?)
            .expression_attribute_values(":bucket", value("bucket")?)
            .expression_attribute_values(":version", n(version));
        Ok(matches!(self.update(request).await?, Updated::Done(_)))
    }
}
