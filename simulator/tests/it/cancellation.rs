use serde_json::{Value, json};
use time::Duration;

use crate::support::{Received, TestBench, answer};

async fn shown(bench: &TestBench, channel: &str) -> Value {
    answer(bench.hub("GET", &format!("/channels/{channel}"))).await.1
}

async fn control_call(bench: &TestBench, channel: &str, action: &str) -> (u16, Value) {
    let client = shown(bench, channel).await["client_id"].as_str().unwrap().to_owned();
    let path = format!("/clients/{client}/channels/{channel}/control/{action}");
    answer(bench.hub("POST", &path).json(&json!({"enabled": true}))).await
}

async fn cancel(bench: &TestBench, order: Value) -> (u16, Value) {
    bench.control("cancellation", order).await
}

async fn key_check(bench: &TestBench, key: &Value) -> u16 {
    let url = format!("{}/v1/configs/webhook", bench.simulator.messaging_url());
    answer(bench.http.get(url).header("D360-API-KEY", key["api_key"].as_str().unwrap())).await.0
}

fn one(received: Vec<Received>) -> Value {
    let [event] = received.try_into().unwrap();
    event.json()
}

#[tokio::test]
async fn a_cancellation_is_requested_and_revoked_below_the_client() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    let (status, asked) = control_call(&bench, &channel, "cancellation_request").await;
    assert_eq!((status, &asked["hub_status"], &asked["cancelled_at"]), (200, &json!("pending_deletion"), &Value::Null));
    assert!(asked["terminated_at"].is_string());
    assert_eq!(control_call(&bench, &channel, "cancellation_request").await, (200, asked.clone()));
    bench.wait(Duration::ZERO).await;
    let event = one(bench.receiver.all());
    assert_eq!((&event["event"], &event["data"]), (&json!("cancellation_request"), &asked));
    assert_eq!(bench.make_key(&channel).await.0, 201, "it still runs");

    let (status, back) = control_call(&bench, &channel, "reactivate").await;
    assert_eq!((status, &back["hub_status"], &back["terminated_at"]), (200, &json!("live"), &Value::Null));
    assert_eq!(control_call(&bench, &channel, "reactivate").await.0, 400);
    bench.wait(Duration::days(60)).await;
    assert_eq!(one(bench.receiver.all())["event"], "cancellation_revoke");
    assert_eq!(shown(&bench, &channel).await["hub_status"], "live");

    let without_client = bench.hub("POST", &format!("/channels/{channel}/control/cancellation_request"));
    assert_eq!(answer(without_client).await.0, 404);
    let other = bench.hub("POST", &format!("/clients/otherCL/channels/{channel}/control/cancellation_request"));
    assert_eq!(answer(other).await.0, 404);
}

#[tokio::test]
async fn a_requested_cancellation_is_processed_when_its_time_has_come() {
    let mut bench = TestBench::with(|settings| {
        settings.behavior.rate_limit = None;
        settings.behavior.cancelled_after_ms = 60_000;
    })
    .await;
    let channel = bench.live_channel("one_number").await;
    let (_, key) = bench.make_key(&channel).await;
    control_call(&bench, &channel, "cancellation_request").await;
    bench.wait(Duration::seconds(59)).await;
    assert_eq!(key_check(&bench, &key).await, 200);
    bench.wait(Duration::seconds(1)).await;
    assert_eq!(bench.receiver.events(), ["cancellation_request", "cancellation_processed"]);
    let ended = shown(&bench, &channel).await;
    assert_eq!((&ended["status"], &ended["hub_status"]), (&json!("ready"), &json!("terminated")));
    assert_eq!(ended["terminated_at"], ended["cancelled_at"]);
    assert_eq!(key_check(&bench, &key).await, 401);
    let (status, refused) = bench.make_key(&channel).await;
    assert_eq!((status, &refused["meta"]["details"][0]), (400, &json!("Channel is not running")));
    assert_eq!(control_call(&bench, &channel, "reactivate").await.0, 400);
}

#[tokio::test]
async fn a_number_whose_channel_ended_gets_a_new_channel() {
    let mut bench = TestBench::new().await;
    let old = bench.live_channel("one_number").await;
    let (status, told) = cancel(&bench, json!({"channel_id": old, "step": "processed", "hub_status": "deleted"})).await;
    assert_eq!((status, &told["channel"]["hub_status"]), (200, &json!("deleted")));
    assert_eq!(cancel(&bench, json!({"channel_id": old, "step": "processed"})).await.0, 409);
    bench.wait(Duration::ZERO).await;
    assert_eq!(one(bench.receiver.all())["data"]["hub_status"], "deleted");

    // Of another client account, too: the number is free.
    let new = bench.live_channel("one_number").await;
    assert_ne!(old, new);
    let number = shown(&bench, &new).await["external_id"].clone();
    let filters = json!({"external_id": number}).to_string();
    let (_, page) = answer(bench.hub("GET", "/channels").query(&[("filters", filters.as_str())])).await;
    let ids: Vec<_> =
        page["partner_channels"].as_array().unwrap().iter().map(|channel| channel["id"].clone()).collect();
    assert_eq!(ids, [json!(old), json!(new)]);
    assert_eq!(bench.make_key(&new).await.0, 201);
}

#[tokio::test]
async fn a_channel_that_ends_on_its_way_does_not_go_live() {
    let mut bench = TestBench::new().await;
    let submission = bench.signed_up("one_number").await;
    bench.submit(&submission).await;
    bench.wait(Duration::milliseconds(120)).await;
    let channel = bench.ledger().await["channels"][0]["id"].clone();
    cancel(&bench, json!({"channel_id": channel, "step": "processed"})).await;
    bench.wait(Duration::seconds(1)).await;
    assert!(!bench.receiver.events().contains(&"channel_live".to_owned()));
    assert_eq!(bench.ledger().await["channels"][0]["stage"], "submitted");
}

#[tokio::test]
async fn a_webhook_of_the_end_can_be_lost() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    bench.fault(json!({"route": "webhook.cancellation_processed", "lose": true})).await;
    cancel(&bench, json!({"channel_id": channel, "step": "processed"})).await;
    bench.wait(Duration::ZERO).await;
    assert!(bench.receiver.events().is_empty());
}

#[tokio::test]
async fn a_permission_taken_back_is_told_on_order_only() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    bench.control("permission", json!({"channel_id": channel, "granted": false})).await;
    bench.wait(Duration::ZERO).await;
    assert!(bench.receiver.events().is_empty());
    bench.control("permission", json!({"channel_id": channel, "granted": false, "told": true})).await;
    bench.wait(Duration::ZERO).await;
    assert_eq!(bench.receiver.events(), ["channel_permission_revoked"]);
}
