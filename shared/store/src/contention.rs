//! Writes that others may get in the way of.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use super::item::Item;
use super::{Store, StoreError};

/// After this many lost races in a row we say that the item is busy.
const RACES: u32 = 8;
/// The longest wait after the first lost race; doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Counts the races lost in a row, and waits a random while after each, so that those who raced part.
#[derive(Default)]
pub(crate) struct RaceBackoff {
    lost: u32,
}

impl RaceBackoff {
    pub(crate) async fn after_lost_race(&mut self) -> Result<(), StoreError> {
        self.lost += 1;
        if self.lost >= RACES {
            return Err(StoreError::Busy);
        }
        let longest = FIRST_WAIT.saturating_mul(1 << (self.lost - 1)).min(LONGEST_WAIT);
        let share = fastrand::f64();
        tokio::time::sleep(longest.mul_f64(share)).await;
        Ok(())
    }
}

/// How an update with a condition went.
pub(crate) enum Updated {
    /// Done; the attributes, if the request asked for them.
    Done(Item),
    /// The condition did not hold; the item that is there, if there is one.
    Refused(Option<Item>),
}

/// How a transaction went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transacted {
    /// Everything is written.
    Done,
    /// Nothing is written: another transaction was under way, or the table is short of capacity. To be repeated.
    Contended,
    /// Nothing is written: the conditions of the writes at these positions did not hold.
    Refused(Vec<usize>),
}

impl Store {
    /// Sends an update, again while a transaction on the item is under way.
    pub(crate) async fn update(&self, request: UpdateItemFluentBuilder) -> Result<Updated, StoreError> {
        let request = request
            .table_name(&self.table)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut backoff = RaceBackoff::default();
        loop {
            let error = match request.clone().send().await {
                Ok(done) => return Ok(Updated::Done(done.attributes.unwrap_or_default())),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    return Ok(Updated::Refused(refused.item.clone()));
                }
                Some(UpdateItemError::TransactionConflictException(_)) => backoff.after_lost_race().await?,
                _ => return Err(error.into()),
            }
        }
    }

    /// Sends a transaction. The SDK adds the token that makes its own repetitions harmless.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Transacted, StoreError> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(Transacted::Done);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                classify_reasons(canceled.cancellation_reasons())
            }
            _ => Err(error.into()),
        }
    }
}

/// One reason for each write, in their order; its code is `None` for those that were not in the way
/// (`API_TransactWriteItems`, "cancellation reasons").
fn classify_reasons(reasons: &[CancellationReason]) -> Result<Transacted, StoreError> {
    let mut refused = Vec::new();
    let mut contended = false;
    for (position, reason) in reasons.iter().enumerate() {
        match reason.code() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => refused.push(position),
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => contended = true,
            Some(code) => {
                let message = reason.message().unwrap_or_default();
                return Err(StoreError::Unavailable(format!("write {position} of a transaction: {code}: {message}")));
            }
        }
    }
    match (refused.is_empty(), contended) {
        (false, _) => Ok(Transacted::Refused(refused)),
        (true, true) => Ok(Transacted::Contended),
        (true, false) => Err(StoreError::Unavailable("a transaction was canceled without a reason".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify_codes(codes: &[&str]) -> Result<Transacted, StoreError> {
        let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build());
        classify_reasons(&reasons.collect::<Vec<_>>())
    }

    #[test]
    fn a_failed_condition_is_distinguished_from_contention_and_from_a_bug() {
        assert_eq!(classify_codes(&["None", "None", "ConditionalCheckFailed"]).unwrap(), Transacted::Refused(vec![2]));
        let both = ["ConditionalCheckFailed", "TransactionConflict", "ConditionalCheckFailed"];
        assert_eq!(classify_codes(&both).unwrap(), Transacted::Refused(vec![0, 2]));
        for code in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
            assert_eq!(classify_codes(&["None", code]).unwrap(), Transacted::Contended);
        }
        for codes in [&["None", "ValidationError"][..], &["ItemCollectionSizeLimitExceeded"], &["None"], &[]] {
            assert!(matches!(classify_codes(codes), Err(StoreError::Unavailable(_))), "{codes:?}");
        }
    }

    #[tokio::test]
    async fn lost_races_are_retried_a_bounded_number_of_times() {
        let mut backoff = RaceBackoff::default();
        for _ in 1..RACES {
            backoff.after_lost_race().await.unwrap();
        }
        assert!(matches!(backoff.after_lost_race().await, Err(StoreError::Busy)));
    }
}
