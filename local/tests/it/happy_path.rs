//! An onboarding in which nothing goes wrong.

use serde_json::Value;
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn a_customer_who_finishes_the_popup_ends_with_one_working_key() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;

    let ledger = bench.client.ledger().await.unwrap();
    let hub_calls: Vec<&Value> = ledger["calls"].as_array().unwrap().iter().filter(|c| c["service"] == "hub").collect();
    assert_eq!(hub_calls.len(), 5, "{hub_calls:#?}");
}
