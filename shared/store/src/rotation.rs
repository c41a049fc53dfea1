//! The reminder of a new key that was asked for. It lies in an item of its own, which is due for reconciliation when the key has
//! taken too long: the record itself is due for the worker all the while.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use onboarding::limiter::milliseconds;
use onboarding::{Class, OnboardingId};
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::item::{self, Key, n};
use super::{Store, StoreError};

/// How long a new key may take. Beyond it the onboarding is overdue.
pub const ROTATED_WITHIN: Duration = Duration::hours(1);

#[derive(Serialize)]
struct Reminder {
    due: &'static str,
    due_at: i64,
}

/// The write that reminds of a new key that was asked for at `since`.
pub(crate) fn remind(table: &str, id: &OnboardingId, since: OffsetDateTime) -> Result<TransactWriteItem, StoreError> {
    let reminder = Reminder { due: Class::Reconciliation.as_str(), due_at: milliseconds(since + ROTATED_WITHIN) };
    let put = Put::builder().table_name(table).set_item(Some(item::write(Key::rotation(id), &reminder)?)).build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// The write that takes the reminder out of the line. Its item stays, so that few roles have to delete anything.
pub(crate) fn forget(table: &str, id: &OnboardingId) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(Key::rotation(id).attributes()))
        .update_expression(FORGET)
        .expression_attribute_values(":v", n(item::SHAPE))
        .build()?;
    Ok(TransactWriteItem::builder().update(update).build())
}

const FORGET: &str = "SET v = :v REMOVE due, due_at";

impl Store {
    /// Takes the reminder of a new key away that was due then, and of which nothing is left to be told.
    pub async fn forget_rotation(&self, id: &OnboardingId, due_at: OffsetDateTime) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::rotation(id).attributes()))
            .update_expression(FORGET)
            .condition_expression("due_at = :due_at")
            .expression_attribute_values(":due_at", n(milliseconds(due_at)))
            .expression_attribute_values(":v", n(item::SHAPE));
        self.update(request).await.map(drop)
    }
}
