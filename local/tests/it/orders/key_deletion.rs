//! The key of a channel that has ended is deleted from the vault, in time.

use local::Options;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn a_key_is_deleted_thirty_days_after_the_end_of_its_channel() {
    let bench = TestBench::new().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.client.order("cancellation", &json!({"channel_id": channel, "step": "processed"})).await.unwrap();
    bench.live_on_schedule(Duration::hours(1)).await;
    assert_eq!(bench.status(&started).await, "disconnected");
    bench.skip(Duration::days(29)).await;
    assert_eq!(bench.stack.twins.vault.keys().len(), 1);
    bench.skip(Duration::days(1)).await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    assert_eq!(bench.stack.twins.vault.keys().len(), 0);
    let record = bench.record(&started).await;
    assert!(record["key"].is_null() && record["key_deleted_at"].is_string(), "{record:#}");
    let told = bench.told_of(&started).await;
    assert_eq!(told.last().map(String::as_str), Some("updated key"), "{told:?}");
}

#[tokio::test]
async fn a_key_is_deleted_when_the_setting_says() {
    let variables = vec![("KEY_DELETION_DAYS".to_owned(), "0".to_owned())];
    let bench = TestBench::with(Options { variables, ..Options::default() }).await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.client.order("cancellation", &json!({"channel_id": channel, "step": "processed"})).await.unwrap();
    bench.live_on_schedule(Duration::minutes(15)).await;
    assert_eq!(bench.stack.twins.vault.keys().len(), 0);
    assert!(bench.record(&started).await["key_deleted_at"].is_string());
    // The number comes back, and its new key stays.
    let (second, _) = bench.ready_for("tenant-2", "one_number").await;
    bench.live_on_schedule(Duration::hours(1)).await;
    bench.assert_key_works(&second).await;
}

/// The key of a channel that another onboarding has by now is not this one's to delete.
#[tokio::test]
async fn a_cancelled_onboarding_that_lost_its_number_deletes_no_key_of_the_new_owner() {
    let variables = vec![("KEY_DELETION_DAYS".to_owned(), "0".to_owned())];
    let bench = TestBench::with(Options { variables, ..Options::default() }).await;
    let address =
        json!({"id": "kkkkAK", "address": "https://169.254.169.254/", "api_key": "made-up", "app_id": "8842AP"});
    bench.fault(json!({"route": "api_keys", "status": 201, "body": address})).await;
    let first = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.status(&first).await, "failed");
    let second = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::hours(26)).await;
    bench.ordered(&first, "cancel").await;
    bench.live_on_schedule(Duration::hours(1)).await;
    let record = bench.record(&first).await;
    assert_eq!((&record["status"], &record["channel_end"]), (&json!("cancelled"), &Value::Null), "{record:#}");
    assert_eq!(bench.stack.twins.vault.keys().len(), 1, "{:#}", bench.record(&second).await);
}
