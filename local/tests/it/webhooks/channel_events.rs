//! Webhooks in every shape and order: each onboarding ends with one key, and no call is made twice for them.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// The events before `channel_live`, of which each alone can be lost.
const BEFORE_LIVE: [&str; 4] = ["channel_created", "channel_submitted", "channel_ready", "channel_running"];

fn lost(events: &[&str]) -> Value {
    events.iter().map(|event| json!({"route": format!("webhook.{event}"), "lose": true})).collect()
}

/// One onboarding from start to end, with the faults ordered before. Returns the routes of its Hub calls.
async fn onboarded(bench: &TestBench) -> Vec<String> {
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
    bench.hub_calls().await.iter().map(|call| call["route"].as_str().unwrap().to_owned()).collect()
}

const CALLS: [&str; 5] = ["list_clients", "create_client", "numbers", "list_channels", "api_keys"];

#[tokio::test]
async fn a_webhook_that_comes_three_times_counts_once() {
    let bench = TestBench::new().await;
    let all = ["channel_created", "channel_submitted", "channel_ready", "channel_running", "channel_live"];
    let thrice: Value = all.iter().map(|event| json!({"route": format!("webhook.{event}"), "copies": 3})).collect();
    bench.fault(thrice).await;
    assert_eq!(onboarded(&bench).await, CALLS);
    let ledger = bench.client.ledger().await.unwrap();
    let webhooks = ledger["webhooks"].as_array().unwrap();
    assert_eq!(webhooks.iter().filter(|webhook| webhook["event"] == "channel_live").count(), 3);
    assert!(webhooks.iter().all(|webhook| webhook["status"] == 200 && webhook["try"] == 1), "{webhooks:#?}");
}

#[tokio::test]
async fn channel_live_may_come_before_the_submission_is_answered() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "webhook.channel_live", "copies": 3, "early": 1})).await;
    assert_eq!(onboarded(&bench).await, CALLS);
}

#[tokio::test]
async fn channel_live_may_come_before_the_submission_is_answered_with_an_error() {
    for fault in [json!({"status": 500}), json!({"drop": true}), json!({"status": 400})] {
        let mut fault = fault;
        fault["route"] = json!("numbers");
        fault["after_effect"] = json!(true);
        let bench = TestBench::new().await;
        bench.fault(json!([{"route": "webhook.channel_live", "copies": 3, "early": 2}, fault])).await;
        assert_eq!(onboarded(&bench).await, CALLS, "{fault}");
    }
}

/// The worker of the webhook runs while the other still waits for the Hub's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_not_made_while_another_worker_has_the_onboarding() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "webhook.channel_live", "copies": 30, "early": 30})).await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.client.es_callback(&started, &popup).await.unwrap().status, 200);
    let submitted = AtomicBool::new(false);
    let first = async {
        bench.stack.work_off().await;
        submitted.store(true, Ordering::SeqCst);
    };
    let meanwhile = async {
        while !submitted.load(Ordering::SeqCst) {
            bench.stack.work_off().await;
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(first, meanwhile);
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls_of("api_keys").await.len(), 1);
}

#[tokio::test]
async fn channel_events_in_the_wrong_order_never_move_an_onboarding_back() {
    let bench = TestBench::new().await;
    let late: Value = BEFORE_LIVE[..3]
        .iter()
        .map(|event| json!({"route": format!("webhook.{event}"), "delay_ms": 60_000, "copies": 2}))
        .collect();
    bench.fault(late).await;
    assert_eq!(onboarded(&bench).await, CALLS);
}

#[tokio::test]
async fn a_key_is_made_for_a_running_channel_without_channel_live() {
    let bench = TestBench::new().await;
    bench.fault(lost(&["channel_live"])).await;
    assert_eq!(onboarded(&bench).await, CALLS);
}

#[tokio::test]
async fn every_shape_of_the_channel_webhooks_leads_to_a_key() {
    for (shape, calls) in [
        ("full", &CALLS[..]),
        ("array", &CALLS),
        ("duplicate", &CALLS),
        // channel_created names client account and number, by which the channel is known from then on.
        ("flat", &CALLS),
        ("legacy", &CALLS),
    ] {
        let bench = TestBench::new().await;
        bench.change(json!({"webhook_shape": shape})).await;
        assert_eq!(onboarded(&bench).await, calls, "{shape}");
    }
}

#[tokio::test]
async fn a_short_webhook_for_a_channel_not_seen_before_costs_one_lookup() {
    for shape in ["flat", "legacy"] {
        let bench = TestBench::new().await;
        bench.fault(lost(&BEFORE_LIVE)).await;
        bench.fault(json!({"route": "webhook.channel_live", "shape": shape, "copies": 3})).await;
        assert_eq!(onboarded(&bench).await, CALLS, "{shape}");
    }
}

#[tokio::test]
async fn a_short_webhook_whose_channel_the_hub_does_not_list_yet_is_matched_later() {
    let bench = TestBench::new().await;
    bench.fault(lost(&BEFORE_LIVE)).await;
    bench.fault(json!({"route": "webhook.channel_live", "shape": "legacy"})).await;
    let nothing = json!({"partner_channels": [], "count": 0, "total": 0, "limit": 200, "offset": 0});
    bench.fault(json!({"route": "list_channels", "body": nothing, "times": 2})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_webhook_before_its_onboarding_is_signed_up_is_matched_when_it_is() {
    let bench = TestBench::new().await;
    // Another system of the partner submits the number; its live channel is none of ours yet.
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let data = &popup["session"]["data"];
    let client = bench.make_client("tenant-1@nordlicht.example").await;
    let number = json!({
        "solution_id": simulator::Settings::default().solution_id, "client_id": client,
        "waba_external_id": data["waba_id"], "channel_external_id": data["phone_number_id"],
    });
    bench.post_to_hub("account_sharing/numbers", &number).await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.count("keys").await, 0);

    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    bench.assert_promise_kept(&started).await;
}
