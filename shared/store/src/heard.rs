//! When 360dialog was last heard: that an authentic webhook came. If a channel goes live and nothing was heard, its webhooks do not
//! reach us.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use onboarding::limiter::{from_milliseconds, milliseconds};
use time::{Duration, OffsetDateTime};

use super::item::{self, Key, n};
use super::{Store, StoreError};

/// How exact the time is: it is written once in this time at most.
const EXACT_TO: Duration = Duration::minutes(10);

impl Store {
    /// Notes that an authentic webhook of the Hub came.
    pub async fn note_heard(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(Key::heard().attributes()))
            .item("v", n(item::SHAPE))
            .item("heard_at", n(milliseconds(now)))
            .condition_expression("attribute_not_exists(pk) OR heard_at < :earlier")
            .expression_attribute_values(":earlier", n(milliseconds(now - EXACT_TO)));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an authentic webhook of the Hub has come since then, or in the ten minutes before.
    pub async fn heard_since(&self, time: OffsetDateTime) -> Result<bool, StoreError> {
        let found = self.read_item(Key::heard()).await?;
        let heard_at = found.and_then(|found| item::number(&found, "heard_at")).map(from_milliseconds);
        Ok(heard_at.is_some_and(|at| at >= time - EXACT_TO))
    }
}
