//! Every call to the Hub fails once, in every transient way: the onboarding waits, says why, and finishes.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::TestBench;

/// Longer than every wait that three faults can cause. A submission that nobody knows the outcome of is made again after a
/// quarter of an hour at the earliest.
const LONG_ENOUGH: Duration = Duration::hours(2);

/// The ways in which a call can fail and work the next time; faults without their route.
fn passing_faults() -> Vec<Value> {
    vec![
        json!({"status": 401}),
        json!({"status": 429}),
        json!({"status": 429, "times": 3}),
        json!({"status": 429, "after_effect": true}),
        json!({"status": 500}),
        json!({"status": 500, "after_effect": true}),
        json!({"status": 503, "after_effect": true, "times": 2}),
        json!({"status": 502, "body": "<html>Bad gateway</html>"}),
        json!({"drop": true}),
        json!({"drop": true, "after_effect": true}),
        json!({"body": "<html>Welcome</html>"}),
        json!({"body": "<html>Welcome</html>", "after_effect": true}),
        json!({"body": [], "after_effect": true}),
        json!({"body": {"meta": {"success": false, "http_code": 500}}, "after_effect": true}),
        json!({"delay_ms": 50}),
    ]
}

async fn passes_by(route: &str, more: &[Value]) {
    for mut fault in passing_faults().into_iter().chain(more.iter().cloned()) {
        fault["route"] = json!(route);
        let bench = TestBench::new().await;
        bench.fault(fault.clone()).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(LONG_ENOUGH).await;
        let status = bench.status(&started).await;
        assert_eq!(status, "ready", "{fault}: {:#}", bench.record(&started).await);
        bench.assert_promise_kept(&started).await;
    }
}

#[tokio::test]
async fn faults_of_the_client_lookup_are_retried_until_ready() {
    passes_by("list_clients", &[]).await;
}

#[tokio::test]
async fn faults_of_the_client_creation_are_retried_until_ready() {
    passes_by("create_client", &[json!({"body": {"id": 17}, "after_effect": true})]).await;
}

#[tokio::test]
async fn faults_of_the_number_submission_are_retried_until_ready() {
    passes_by("numbers", &[json!({"status": 409, "after_effect": true})]).await;
}

#[tokio::test]
async fn faults_of_the_key_creation_are_retried_until_ready() {
    // The channel is not ready for a key, although it was said to be live.
    let not_yet = [400, 404, 409].map(|status| json!({"status": status, "times": 2}));
    let half = [json!({"body": {"address": "https://waba-v2.360dialog.io"}, "after_effect": true})];
    passes_by("api_keys", &[&not_yet[..], &half].concat()).await;
}

#[tokio::test]
async fn faults_of_the_message_webhook_are_retried_until_ready() {
    // A new key may not work at once.
    passes_by("set_message_webhook", &[json!({"status": 401, "times": 3}), json!({"status": 403})]).await;
}

/// The short shape of a webhook names no number, so that the Hub is asked for the channel.
#[tokio::test]
async fn faults_of_the_channel_lookup_are_retried_until_ready() {
    for mut fault in passing_faults() {
        fault["route"] = json!("list_channels");
        let bench = TestBench::new().await;
        let lost = ["channel_created", "channel_submitted", "channel_ready", "channel_running"]
            .map(|event| json!({"route": format!("webhook.{event}"), "lose": true}));
        bench.fault(json!(lost)).await;
        bench.fault(json!({"route": "webhook.channel_live", "shape": "flat"})).await;
        bench.fault(fault.clone()).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(LONG_ENOUGH).await;
        assert_eq!(bench.status(&started).await, "ready", "{fault}");
        bench.assert_promise_kept(&started).await;
    }
}

#[tokio::test]
async fn the_record_of_a_waiting_onboarding_names_the_step_and_its_error() {
    // What may have had its effect is not soon tried again.
    for (route, step, least) in [
        ("list_clients", "client_account", 3),
        ("create_client", "client_account", 2),
        ("numbers", "number_submission", 1),
        ("api_keys", "key_creation", 2),
        ("set_message_webhook", "key_creation", 3),
    ] {
        for (fault, said) in [
            (json!({"status": 429, "body": {"meta": {"developer_message": "Too many requests"}}}), "Too many requests"),
            (json!({"status": 500, "body": {"error": "Out of order"}}), "Out of order"),
            (json!({"drop": true}), "the connection broke off"),
        ] {
            let bench = TestBench::new().await;
            bench.break_routes(&[route], &fault).await;
            let started = bench.signed_up("tenant-1", "one_number").await;
            bench.live_through(Duration::minutes(2)).await;

            let retry = bench.record(&started).await["retry"].clone();
            assert_eq!(retry["step"], step, "{route}");
            let error = retry["error"].as_str().unwrap();
            assert!([said, "may still appear", "may have taken"].iter().any(|said| error.contains(said)), "{retry}");
            assert!((least..=8).contains(&retry["tries"].as_u64().unwrap()), "{retry}");
            let next_at = OffsetDateTime::parse(retry["next_at"].as_str().unwrap(), &Rfc3339).unwrap();
            // The message comes up to a second later: the queue delays by whole seconds.
            let wait = next_at - bench.now();
            assert!(wait > -Duration::SECOND && wait <= Duration::minutes(15), "{wait}");

            bench.mend().await;
            bench.live_through(Duration::minutes(20)).await;
            assert_eq!(bench.record(&started).await["retry"], Value::Null);
            bench.assert_promise_kept(&started).await;
        }
    }
}
