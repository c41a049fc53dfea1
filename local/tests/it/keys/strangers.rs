//! Nobody gets a channel or a key that is not theirs, and no key in use is revoked without the partner's word.

use local::client::Started;
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

async fn retry(bench: &TestBench, started: &Started, body: &Value) -> (u16, Value) {
    let path = format!("/v1/onboardings/{}/retry", started.id);
    let answer = bench.client.post(&path, BACKEND_TOKEN, body).await.unwrap();
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_signed_webhook_that_names_our_number_and_anothers_channel_gives_us_nothing() {
    let bench = TestBench::new().await;
    let (theirs, _) = bench.made_by_hand("one_number:71", None, false).await;
    bench.faults(json!({"route": "webhook", "lose": true, "times": 100})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(5)).await;
    let record = bench.record(&started).await;
    let forged = json!({"id": "evt_forged", "event": "channel_live", "data": {
        "id": theirs["id"], "client_id": record["client"]["id"], "status": "ready", "account_mode": "live",
        "external_id": record["signup"]["number"]["id"], "waba_account": {"external_id": record["signup"]["waba_id"]},
    }});
    assert_eq!(bench.hub_webhook(&forged.to_string()).await.status, 200);
    bench.live_through(Duration::seconds(60)).await;
    let record = bench.record(&started).await;
    assert_ne!(record["channel_id"], theirs["id"], "{record:#}");
    assert_eq!(bench.keys_of(&theirs["id"]).await, Vec::<Value>::new());
    // Its own channel is found all the same.
    bench.live_through(Duration::minutes(6)).await;
    bench.assert_key_works(&started).await;
}

#[tokio::test]
async fn a_number_that_is_live_under_another_client_account_is_refused_and_keeps_its_key() {
    for taken in ["conflict", "refused"] {
        let bench = TestBench::new().await;
        bench.client.order("settings", &json!({"number_taken": taken})).await.unwrap();
        let (theirs, key) = bench.made_by_hand("one_number", None, true).await;
        assert!(key.is_object(), "{key}");
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::hours(30)).await;
        let record = bench.record(&started).await;
        assert_eq!(
            (&record["status"], &record["problem"]["code"]),
            (&json!("failed"), &json!("number_refused")),
            "{taken}"
        );
        let detail = record["problem"]["detail"].as_str().unwrap();
        if taken == "conflict" {
            assert!(detail.contains(theirs["client_id"].as_str().unwrap()), "{detail}");
        }
        assert_eq!(bench.keys_of(&theirs["id"]).await.len(), 1, "{taken}");
    }
}

#[tokio::test]
async fn a_channel_that_was_there_with_a_key_waits_for_the_partners_word() {
    let bench = TestBench::new().await;
    // The client account exists, and somebody connected the number to it by hand.
    let client = local::client::start_body("tenant-1")["client"].clone();
    let made = bench.post_to_hub("account_sharing/clients", &client).await;
    let (channel, key) = bench.made_by_hand("one_number", Some(&made["id"]), true).await;
    bench.pass(Duration::hours(1));
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    let record = bench.record(&started).await;
    assert_eq!(
        (&record["status"], &record["problem"]["code"]),
        (&json!("failed"), &json!("channel_has_key")),
        "{record:#}"
    );
    assert_eq!(bench.keys_of(&channel["id"]).await.len(), 1, "{key}");

    let (status, body) = retry(&bench, &started, &json!({})).await;
    assert_eq!((status, &body["errors"][0]["field"]), (422, &json!("replace_key")), "{body}");
    assert_eq!(retry(&bench, &started, &json!({"replace_key": true})).await.0, 202);
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_key_works(&started).await;
    let valid = bench.keys_of(&channel["id"]).await;
    assert_eq!((valid.len(), &valid[0]["made_by"]), (1, &json!("partner")));
}

#[tokio::test]
async fn a_channel_that_was_there_without_a_key_gets_one() {
    let bench = TestBench::new().await;
    let client = local::client::start_body("tenant-1")["client"].clone();
    let made = bench.post_to_hub("account_sharing/clients", &client).await;
    let (channel, _) = bench.made_by_hand("one_number", Some(&made["id"]), false).await;
    bench.pass(Duration::hours(1));
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    bench.assert_key_works(&started).await;
    assert_eq!(bench.record(&started).await["channel_id"], channel["id"]);
    assert!(bench.history(&started).await.contains(&"no_key_found".to_owned()));
}
