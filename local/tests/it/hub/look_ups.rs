//! Looks at the Hub that fail: the next one is due later, and others get their permits meanwhile.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use serde_json::json;
use store::WorkKey;
use time::Duration;

use crate::support::TestBench;

/// A number that was submitted, and of which no webhook ever comes.
async fn submitted(bench: &TestBench) -> Started {
    bench.fault(json!({"route": "webhook", "lose": true, "times": 1_000_000})).await;
    bench.change(json!({"live_after_ms": 48 * 3_600_000})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(3)).await;
    assert_eq!(bench.status(&started).await, "submitted");
    started
}

#[tokio::test]
async fn a_look_for_a_channel_that_fails_is_repeated_at_growing_distance() {
    for fault in [json!({"status": 400}), json!({"status": 401}), json!({"body": "<html>"}), json!({"status": 302})] {
        let bench = TestBench::new().await;
        submitted(&bench).await;
        bench.break_routes(&["list_channels"], &fault).await;
        bench.live_through(Duration::hours(1)).await;
        let calls = bench.calls_of("list_channels").await.len();
        assert!((4..=6).contains(&calls), "{fault}: {calls} looks in an hour");
    }
}

#[tokio::test]
async fn a_look_for_a_channel_that_fails_keeps_nobody_else_from_a_permit() {
    let bench = TestBench::new().await;
    submitted(&bench).await;
    bench.break_routes(&["list_channels"], &json!({"status": 400})).await;
    bench.live_through(Duration::minutes(3)).await;
    let mut body = start_body("tenant-2");
    body["client"]["email"] = json!("kim@acme.example");
    bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
    bench.live_through(Duration::seconds(30)).await;
    assert_eq!(bench.count("clients").await, 2, "the other customer has no client account after 30 seconds");
}

#[tokio::test]
async fn a_sweep_that_the_hub_refuses_has_a_result_and_is_not_stuck() {
    for status in [400, 401, 429] {
        let bench = TestBench::new().await;
        let store = &bench.stack.twins.store;
        store.ensure_sweep(bench.now()).await.unwrap();
        bench.break_routes(&["list_channels"], &json!({"status": status})).await;
        bench.live_through(Duration::hours(1)).await;
        let state = store.work(&WorkKey::Sweep).await.unwrap().unwrap();
        assert_eq!(state.unanswered, 0, "{status}");
        assert!(state.due_at > bench.now() && state.due_at <= bench.now() + Duration::minutes(15), "{status}");
    }
}
