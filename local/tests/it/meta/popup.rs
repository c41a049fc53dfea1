//! Popups that do not end in a signup: each is kept as an attempt, and the next one works.

use local::client::Started;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// Plays the popup to this end and posts what it returned. Returns the attempts on the record.
async fn leave(bench: &TestBench, started: &Started, outcome: &str) -> Vec<Value> {
    let popup = bench.client.popup("one_number", outcome).await.unwrap();
    assert_eq!(popup.get("code"), None);
    let reply = bench.callback(started, &popup).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("started")), "{}", reply.text);
    assert!(reply.body["launch"].is_object());
    attempts(bench, started).await
}

async fn attempts(bench: &TestBench, started: &Started) -> Vec<Value> {
    bench.record(started).await["attempts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_popup_without_a_signup_is_kept_as_an_attempt_and_the_next_try_works() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let cancelled = leave(&bench, &started, "cancel").await;
    assert_eq!(
        cancelled,
        [json!({"at": "2026-11-03T09:00:00Z", "event": "CANCEL", "current_step": "PHONE_NUMBER_SETUP"})]
    );
    bench.pass(Duration::minutes(1));
    let failed = leave(&bench, &started, "error").await;
    assert_eq!((&failed[1]["event"], &failed[1]["error_code"]), (&json!("ERROR"), &json!("524999")));
    assert!(failed[1]["session_id"].is_string() && failed[1]["error_message"].is_string());
    let reported = leave(&bench, &started, "report_error").await;
    assert_eq!((&reported[2]["event"], &reported[2]["error_code"]), (&json!("CANCEL"), &json!("524126")));
    assert_eq!(reported[2]["at"], "2026-11-03T09:01:00Z");

    assert_eq!(bench.calls("exchange_code").await, 0);
    assert_eq!(bench.history(&started).await, ["started", "popup_left", "popup_left", "popup_left"]);
    bench.finish(&started, "one_number").await;
    assert_eq!(attempts(&bench, &started).await, reported);
}

#[tokio::test]
async fn a_popup_event_sent_twice_is_one_attempt() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "cancel").await.unwrap();
    for _ in 0..3 {
        assert_eq!(bench.callback(&started, &popup).await.status, 200);
    }
    assert_eq!(attempts(&bench, &started).await.len(), 1);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_popup_that_finished_without_a_code_is_no_attempt_and_the_next_one_works() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let before = bench.record(&started).await;
    let popup = bench.client.popup("one_number", "finish_without_code").await.unwrap();
    for _ in 0..3 {
        let reply = bench.callback(&started, &popup).await;
        assert_eq!((reply.status, &reply.body["one_more_click"]), (200, &json!(true)), "{}", reply.text);
    }
    assert_eq!(bench.record(&started).await, before);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_popup_closed_after_the_signup_changes_nothing() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    let before = bench.record(&started).await;
    for outcome in ["cancel", "finish_without_code"] {
        let popup = bench.client.popup("one_number", outcome).await.unwrap();
        let reply = bench.callback(&started, &popup).await;
        assert_eq!((reply.status, &reply.body["status"]), (200, &json!("signed_up")), "{}", reply.text);
    }
    assert_eq!(bench.record(&started).await, before);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn unknown_popup_events_and_members_are_kept_and_long_texts_are_cut() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let body = json!({
        "session": {
            "event": "SOMETHING_NEW",
            "data": {"current_step": "x".repeat(5000), "error_code": 7, "waba_id": "", "more": {"a": [1]}},
            "version": 9,
            "type": "WA_EMBEDDED_SIGNUP",
        },
        "more": true,
    });
    let reply = bench.callback(&started, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let kept = attempts(&bench, &started).await;
    assert_eq!((&kept[0]["event"], &kept[0]["error_code"]), (&json!("SOMETHING_NEW"), &json!("7")));
    assert_eq!(kept[0]["current_step"].as_str().unwrap().len(), 100);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn the_attempts_of_one_customer_cannot_fill_the_record() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    for number in 0..30 {
        bench.pass(Duration::SECOND);
        let body = json!({"session": {"event": "CANCEL", "data": {"current_step": format!("step-{number}")}}});
        assert_eq!(bench.callback(&started, &body).await.status, 200);
    }
    let kept = attempts(&bench, &started).await;
    assert_eq!((kept.len(), &kept[19]["current_step"]), (20, &json!("step-29")));
    let left = bench.history(&started).await.iter().filter(|event| *event == "popup_left").count();
    assert_eq!(left, 30);
    bench.finish(&started, "one_number").await;
}
