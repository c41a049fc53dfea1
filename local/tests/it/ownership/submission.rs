//! A submission of which nobody knows what became is looked for before it is repeated.

use serde_json::json;
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn a_submission_whose_answer_was_lost_is_found_and_not_repeated() {
    let bench = TestBench::new().await;
    bench.faults(json!({"route": "webhook", "lose": true, "times": 100})).await;
    bench.faults(json!({"route": "numbers", "drop": true, "after_effect": true})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(20)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls("numbers").await, 1);
}

#[tokio::test]
async fn a_submission_that_was_never_taken_is_made_again_after_two_looks() {
    let bench = TestBench::new().await;
    bench.faults(json!({"route": "numbers", "drop": true})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(14)).await;
    assert_eq!((bench.status(&started).await.as_str(), bench.calls("numbers").await), ("signed_up", 1));
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls("numbers").await, 2);
    let history = bench.history(&started).await;
    assert_eq!(history.iter().filter(|event| *event == "submission_unseen").count(), 2, "{history:?}");
}

#[tokio::test]
async fn a_submission_that_did_not_reach_the_hub_in_its_own_words_is_made_again() {
    let bench = TestBench::new().await;
    let html = "<html><body>no healthy upstream</body></html>";
    bench.faults(json!({"route": "numbers", "status": 404, "body": html})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    bench.assert_promise_kept(&started).await;
}
