//! Direct Payment: the client pays 360dialog and must let us make keys first.

use local::client::Started;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// An onboarding that waits for the client's permission.
async fn waiting(bench: &TestBench) -> Started {
    bench.change(json!({"payment": "direct"})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    assert_eq!(bench.status(&started).await, "permission_required");
    started
}

async fn grant(bench: &TestBench, started: &Started) {
    let channel_id = bench.record(started).await["channel_id"].clone();
    bench.client.order("permission", &json!({"channel_id": channel_id, "granted": true})).await.unwrap();
}

#[tokio::test]
async fn the_customer_is_told_where_to_grant_permission_and_the_grant_leads_on() {
    let bench = TestBench::new().await;
    let started = waiting(&bench).await;
    let record = bench.record(&started).await;
    let view = bench.setup_view(&started).await.body;
    assert_eq!((view["status"].as_str(), &view["problem"]), (Some("permission_required"), &Value::Null));
    let url: url::Url = view["permission_url"].as_str().unwrap().parse().unwrap();
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(query("client_id").as_deref(), record["client"]["id"].as_str());
    assert_eq!(query("state").as_deref(), Some(started.id.as_str()));
    assert!(query("redirect_url").unwrap().ends_with("/v1/signup/return"), "{url}");
    assert!(query("number").unwrap().bytes().all(|byte| byte.is_ascii_digit()), "{url}");

    // A day passes in which nothing is asked in vain too often.
    bench.live_on_schedule(Duration::hours(24)).await;
    assert_eq!(bench.status(&started).await, "permission_required");
    let asked = bench.calls_of("api_keys").await.len();
    assert!((4..=12).contains(&asked), "{asked}");

    grant(&bench, &started).await;
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.setup_view(&started).await.body["permission_url"], Value::Null);
}

#[tokio::test]
async fn waiting_for_permission_never_fails_an_onboarding() {
    let bench = TestBench::new().await;
    let started = waiting(&bench).await;
    bench.live_on_schedule(Duration::hours(2)).await;
    bench.pass(Duration::hours(78));
    bench.live_on_schedule(Duration::hours(1)).await;
    assert_eq!(bench.status(&started).await, "permission_required");
    grant(&bench, &started).await;
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_permission_grant_in_any_shape_and_number_leads_on() {
    for shape in ["full", "flat", "legacy", "array", "duplicate"] {
        let bench = TestBench::new().await;
        let started = waiting(&bench).await;
        bench.fault(json!({"route": "webhook.channel_permission_granted", "shape": shape, "copies": 3})).await;
        grant(&bench, &started).await;
        bench.live_through(Duration::seconds(40)).await;
        bench.assert_promise_kept(&started).await;
        assert_eq!(bench.count("keys").await, 1, "{shape}");
    }
}

#[tokio::test]
async fn a_permission_grant_whose_webhook_is_lost_is_found_by_reconciliation() {
    let bench = TestBench::new().await;
    let started = waiting(&bench).await;
    bench.fault(json!({"route": "webhook.channel_permission_granted", "lose": true})).await;
    grant(&bench, &started).await;
    bench.live_through(Duration::seconds(2)).await;
    assert_eq!(bench.status(&started).await, "permission_required");
    bench.live_on_schedule(Duration::hours(1)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_key_refused_with_403_by_mistake_is_requested_again() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "api_keys", "status": 403})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    assert_eq!(bench.status(&started).await, "permission_required");
    bench.live_on_schedule(Duration::hours(1)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_permission_granted_before_the_key_was_requested_is_not_waited_for() {
    let bench = TestBench::new().await;
    bench.change(json!({"payment": "direct"})).await;
    let client = bench.make_client("tenant-1@nordlicht.example").await;
    bench.client.order("permission", &json!({"client_id": client, "granted": true})).await.unwrap();
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    let history = bench.record(&started).await["history"].to_string();
    assert!(!history.contains("permission_required"), "{history}");
}

#[tokio::test]
async fn a_hub_that_is_down_when_permission_comes_is_waited_out() {
    let bench = TestBench::new().await;
    let started = waiting(&bench).await;
    bench.break_routes(&["api_keys"], &json!({"status": 500})).await;
    grant(&bench, &started).await;
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "live");
    bench.mend().await;
    bench.live_through(Duration::minutes(15)).await;
    bench.assert_promise_kept(&started).await;
}
