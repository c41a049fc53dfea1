//! Webhooks of channels that no onboarding knows, or knows only by their number.

use local::client::Started;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::send;
use crate::support::webhooks::channel_live;

/// Somebody submits the number at the Hub by hand, for the client account that we made.
async fn submit_by_hand(bench: &TestBench, popup: &Value) {
    let client_id = bench.client.ledger().await.unwrap()["clients"][0]["id"].clone();
    let fake = simulator::Settings::default();
    let path = format!("partners/{}/account_sharing/numbers", fake.partner_id);
    let url = format!("{}/{path}", bench.stack.simulator.hub_url());
    let http = exchange::client().unwrap();
    let body = json!({
        "solution_id": fake.solution_id,
        "client_id": client_id,
        "waba_external_id": popup["session"]["data"]["waba_id"],
        "channel_external_id": popup["session"]["data"]["phone_number_id"],
    });
    let reply = send(http.request(Method::POST, url).header("X-API-Key", fake.api_key).json(&body)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

async fn started_and_client_known(bench: &TestBench) -> Started {
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    assert_eq!(bench.count("clients").await, 1);
    started
}

/// Keys of the inbox entries of an event, by the ids in the ledger.
async fn kept(bench: &TestBench, event: &str) -> Vec<String> {
    let ledger = bench.client.ledger().await.unwrap();
    let webhooks = ledger["webhooks"].as_array().unwrap().iter().filter(|webhook| webhook["event"] == event);
    webhooks.map(|webhook| format!("partner_hub#{}", webhook["id"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_channel_that_is_live_before_its_signup_is_matched_after_it() {
    let bench = TestBench::new().await;
    let started = started_and_client_known(&bench).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    submit_by_hand(&bench, &popup).await;
    bench.live_through(Duration::seconds(2)).await;
    let live = &kept(&bench, "channel_live").await[0];
    assert_eq!(bench.outcome(live).await, None);
    assert_eq!(bench.status(&started).await, "started");
    bench.assert_nothing_left();

    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
    // The webhook of another stage may have been the first.
    assert!(bench.outcome(live).await.is_some_and(|outcome| ["applied", "known"].contains(&outcome.as_str())));
    assert_eq!(bench.calls("list_channels").await, 1);
}

#[tokio::test]
async fn a_channel_that_is_live_before_its_submission_is_matched_by_its_number() {
    let bench = TestBench::new().await;
    let started = started_and_client_known(&bench).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    submit_by_hand(&bench, &popup).await;
    let live = channel_live(&bench, "evt_early").await;
    let answer = bench.client.order("webhook", &json!({"event": live})).await.unwrap();
    assert_eq!(answer["status"], 200);
    // It came before the Hub lets a key be made, and the call by hand is one that our limit does not know of.
    bench.live_through(Duration::minutes(3)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_webhook_that_overtakes_the_answer_of_the_submission_is_not_lost() {
    let bench = TestBench::new().await;
    bench.faults(json!({"route": "webhook.channel_live", "copies": 3, "early": 2})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.count("keys").await, 1);
}

#[tokio::test]
async fn a_webhook_of_an_unknown_channel_waits_three_days_and_harms_no_onboarding() {
    let bench = TestBench::new().await;
    let started = started_and_client_known(&bench).await;
    let full = json!({"id": "evt_1", "event": "channel_live", "data": {
        "id": "Xy12AbCH", "external_id": "51999999999999", "waba_account": {"external_id": "40999999999999"},
    }});
    let legacy = json!({"event": "channel_live", "channel_id": "Zz98YxCH"});
    for event in [&full, &legacy] {
        let answer = bench.client.order("webhook", &json!({"event": event})).await.unwrap();
        assert_eq!(answer["status"], 200);
    }
    bench.settle().await;
    bench.assert_nothing_left();
    let legacy = crate::support::webhooks::key_of(&legacy.to_string());
    for key in ["partner_hub#evt_1", &legacy] {
        assert_eq!(bench.outcome(key).await, None, "{key}");
    }

    bench.live_through(Duration::seconds(30)).await;
    bench.finish(&started, "one_number").await;

    bench.live_through(Duration::hours(79)).await;
    for key in ["partner_hub#evt_1", &legacy] {
        assert_eq!(bench.outcome(key).await.as_deref(), Some("unmatched"), "{key}");
    }
    assert_eq!(bench.stack.next_dispatch().await.unwrap(), None, "nothing is due any more");
    assert_eq!(bench.calls("list_channels").await, 6, "who cannot be told apart is asked for a few times, and no more");
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_short_channel_live_is_confirmed_by_a_lookup_at_the_hub() {
    let bench = TestBench::new().await;
    let (started, channel_id) = bench.submitted().await;
    let event = json!({"event": "channel_live", "channel_id": channel_id});
    bench.client.order("webhook", &json!({"event": event})).await.unwrap();
    bench.live_through(Duration::seconds(40)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls("list_channels").await, 1);
}
