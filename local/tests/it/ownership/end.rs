//! The end of a channel, and what follows: a new link, a new channel.

use local::client::Started;
use serde_json::json;
use time::Duration;

use crate::support::TestBench;

/// An onboarding that is ready, and its channel.
async fn ready(bench: &TestBench) -> (Started, String) {
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(&started).await;
    let channel = bench.record(&started).await["channel_id"].as_str().unwrap().to_owned();
    (started, channel)
}

async fn cancel(bench: &TestBench, channel: &str, step: &str) {
    bench.client.order("cancellation", &json!({"channel_id": channel, "step": step})).await.unwrap();
}

#[tokio::test]
async fn a_customer_who_left_comes_back_by_a_new_link() {
    let bench = TestBench::new().await;
    let (first, channel) = ready(&bench).await;
    cancel(&bench, &channel, "request").await;
    cancel(&bench, &channel, "processed").await;
    bench.live_through(Duration::seconds(5)).await;
    assert_eq!(bench.status(&first).await, "disconnected");

    let second = bench.signed_up("tenant-2", "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    bench.assert_key_works(&second).await;
    let (old, new) = (bench.record(&first).await, bench.record(&second).await);
    assert_eq!((&old["status"], &old["number_lost_to"]), (&json!("disconnected"), &json!(second.id)));
    assert_ne!(old["channel_id"], new["channel_id"]);
}

/// The webhook of the end was lost: the Hub is asked when the number is proven by another link.
#[tokio::test]
async fn a_new_link_has_the_channel_of_a_ready_owner_looked_up() {
    let bench = TestBench::new().await;
    let (first, channel) = ready(&bench).await;
    bench.faults(json!({"route": "webhook.cancellation_processed", "lose": true, "times": 10})).await;
    cancel(&bench, &channel, "processed").await;
    let second = bench.client.start("tenant-2").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let reply = bench.callback(&second, &popup).await;
    assert_eq!((reply.status, reply.body["code"].as_str()), (409, Some("number_taken")), "{}", reply.text);
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.status(&first).await, "disconnected");

    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let reply = bench.callback(&second, &popup).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    bench.live_through(Duration::minutes(30)).await;
    bench.assert_key_works(&second).await;
}

#[tokio::test]
async fn a_channel_whose_end_no_webhook_tells_is_found_by_the_daily_sweep() {
    let bench = TestBench::new().await;
    let (started, channel) = ready(&bench).await;
    bench.faults(json!({"route": "webhook.cancellation_processed", "lose": true, "times": 10})).await;
    cancel(&bench, &channel, "processed").await;
    bench.reconcile().await;
    bench.live_through(Duration::hours(20)).await;
    assert_eq!(bench.status(&started).await, "ready");
    bench.live_through(Duration::hours(6)).await;
    assert_eq!(bench.status(&started).await, "disconnected");
    let history = bench.history(&started).await;
    assert_eq!(history.iter().filter(|event| *event == "channel_ended").count(), 1, "{history:?}");
}

#[tokio::test]
async fn a_ready_owner_whose_channel_lives_keeps_its_number() {
    let bench = TestBench::new().await;
    let (first, _) = ready(&bench).await;
    let second = bench.client.start("tenant-2").await.unwrap();
    for _ in 0..2 {
        let popup = bench.client.popup("one_number", "finish").await.unwrap();
        assert_eq!(bench.callback(&second, &popup).await.body["code"], "number_taken");
        bench.live_through(Duration::minutes(2)).await;
    }
    bench.assert_key_works(&first).await;
    let history = bench.history(&first).await;
    assert_eq!(history.iter().filter(|event| *event == "looked_up").count(), 2, "{history:?}");
}

/// 360dialog connects the number again: its new channel gets a key of its own, and the old one's news means nothing.
#[tokio::test]
async fn the_next_channel_of_a_number_gets_a_key() {
    let bench = TestBench::new().await;
    let (started, first) = ready(&bench).await;
    let client = bench.record(&started).await["client"]["id"].clone();
    bench.faults(json!({"route": "webhook.cancellation_processed", "lose": true, "times": 10})).await;
    cancel(&bench, &first, "processed").await;
    let order = json!({"account": "one_number", "client_id": client, "told": true});
    let made = bench.client.post("/simulator/channels", "", &order).await.unwrap();
    assert!(made.status < 300, "{}", made.body);
    bench.live_through(Duration::minutes(20)).await;
    let record = bench.record(&started).await;
    assert_eq!(record["channel_id"], made.body["channel"]["id"], "{record:#}");
    assert_eq!(record["former_channels"], json!([first]));
    bench.assert_key_works(&started).await;

    let late = json!({"id": "evt_late", "event": "channel_live", "data": {"id": first}});
    assert_eq!(bench.hub_webhook(&late.to_string()).await.status, 200);
    let ended = json!({"id": "evt_ended", "event": "cancellation_processed", "data": {"id": first}});
    assert_eq!(bench.hub_webhook(&ended.to_string()).await.status, 200);
    bench.live_through(Duration::minutes(20)).await;
    bench.assert_key_works(&started).await;
}

#[tokio::test]
async fn a_customer_who_leaves_at_meta_has_the_channel_looked_up() {
    let bench = TestBench::new().await;
    let (started, channel) = ready(&bench).await;
    bench.faults(json!({"route": "webhook.cancellation_processed", "lose": true, "times": 10})).await;
    cancel(&bench, &channel, "processed").await;
    bench.client.order("account_update", &json!({"account": "one_number", "event": "PARTNER_REMOVED"})).await.unwrap();
    bench.live_through(Duration::minutes(11)).await;
    bench.reconcile().await;
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.status(&started).await, "disconnected");
}

#[tokio::test]
async fn a_request_to_cancel_alone_ends_nothing() {
    let bench = TestBench::new().await;
    let (started, channel) = ready(&bench).await;
    cancel(&bench, &channel, "request").await;
    bench.live_through(Duration::minutes(5)).await;
    cancel(&bench, &channel, "revoke").await;
    bench.live_through(Duration::minutes(5)).await;
    bench.assert_key_works(&started).await;
    let history = bench.history(&started).await;
    assert!(history.contains(&"look_up_asked".to_owned()) && history.contains(&"looked_up".to_owned()), "{history:?}");
}
