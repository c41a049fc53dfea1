//! What was reported of channels and client accounts, so that it is reported once in a while and not each day.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use onboarding::{ChannelId, ClientId, PartnerEvent};
use time::Duration;

use super::item::{self, Key, n};
use super::{Store, StoreError};

/// After this long, what is still wrong is reported again.
const REPORTED: Duration = Duration::days(90);

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported<'a> {
    /// A channel.
    Channel(&'a ChannelId),
    /// A client account.
    Client(&'a ClientId),
}

impl Store {
    /// Whether `what` was not reported of this within the last 90 days. From now on it is, and the partner is told of `event`.
    pub async fn first_report(
        &self,
        about: Reported<'_>,
        what: &str,
        event: Option<&PartnerEvent>,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let report = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::report(about, what).attributes()))
            .update_expression("SET v = :v, expires_at = :expires_at")
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":expires_at", n((now + REPORTED).unix_timestamp()))
            .expression_attribute_values(":now", n(now.unix_timestamp()))
            .build()?;
        self.write_and_tell(TransactWriteItem::builder().update(report).build(), event).await
    }
}
