use std::sync::atomic::Ordering;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use time::Duration;

use crate::support::{Received, TestBench, answer};

/// The header as the documentation has it, made here on purpose once more.
fn expected(received: &Received) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(b"made-up-platform-secret").unwrap();
    hex::encode(mac.chain_update(&received.body).finalize().into_bytes())
}

fn signature(received: &Received) -> Option<&str> {
    received.headers.get("x-360dialog-signature").map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_webhook_has_the_signature_that_openssl_computes() {
    let mut bench = TestBench::new().await;
    // Made with `openssl dgst -sha256 -hmac made-up-platform-secret`.
    let body = r#"{"id":"evt_05e2","event":"channel_live","data":{"id":"Rb82LdCH"}}"#;
    let (status, told) = bench.control("webhook", json!({"body": body})).await;
    assert_eq!((status, told), (200, json!({"status": 200, "body": ""})));
    let [received] = bench.receiver.all().try_into().unwrap();
    assert_eq!(received.body, body);
    assert_eq!(signature(&received), Some("0ce7ea16304ea5609baa4cffda2ea632b16465ac7a4b57d15445b6fad8da6161"));
}

#[tokio::test]
async fn a_number_goes_live_step_by_step() {
    let mut bench = TestBench::new().await;
    let submission = bench.signed_up("one_number").await;
    bench.submit(&submission).await;
    bench.wait(Duration::ZERO).await;
    assert_eq!(bench.receiver.events(), ["client_created"]);
    for event in ["channel_created", "channel_submitted", "channel_ready", "channel_running", "channel_live"] {
        bench.wait(Duration::milliseconds(60)).await;
        let [received] = bench.receiver.all().try_into().unwrap();
        assert_eq!(received.event(), event);
        assert_eq!(signature(&received), Some(expected(&received).as_str()));
        let (status, mode) = match event {
            "channel_created" => ("created", "sandbox"),
            "channel_submitted" => ("unverified", "sandbox"),
            "channel_ready" => ("verified", "sandbox"),
            _ => ("ready", "live"),
        };
        let data = received.json()["data"].clone();
        assert_eq!((&data["status"], &data["account_mode"]), (&json!(status), &json!(mode)));
        assert_eq!(data["waba_account"]["external_id"], submission["waba_external_id"]);
    }
}

#[tokio::test]
async fn a_number_goes_live_by_itself_on_real_time() {
    let mut bench = TestBench::with(|settings| {
        settings.clock = std::sync::Arc::new(time::OffsetDateTime::now_utc);
        settings.behavior.live_after_ms = 50;
    })
    .await;
    let submission = bench.signed_up("one_number").await;
    bench.submit(&submission).await;
    let mut events = Vec::new();
    while events.last().is_none_or(|event| event != "channel_live") {
        events.push(bench.receiver.next().await.event());
    }
    assert_eq!(events.len(), 6);
}

#[tokio::test]
async fn a_webhook_not_answered_with_2xx_comes_again() {
    let mut bench = TestBench::new().await;
    bench.receiver.status.store(500, Ordering::SeqCst);
    bench.create_client("lena.voss@nordlicht.example").await;
    bench.wait(Duration::ZERO).await;
    bench.wait(Duration::milliseconds(199)).await;
    assert_eq!(bench.receiver.events().len(), 1);
    bench.wait(Duration::milliseconds(1)).await;
    assert_eq!(bench.receiver.events().len(), 1);
    bench.receiver.status.store(204, Ordering::SeqCst);
    bench.wait(Duration::seconds(1)).await;
    bench.wait(Duration::hours(1)).await;
    assert_eq!(bench.receiver.events().len(), 1);
    let ledger = bench.ledger().await;
    let tries: Vec<_> = ledger["webhooks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|webhook| (webhook["try"].clone(), webhook["status"].clone()))
        .collect();
    assert_eq!(tries, [(json!(1), json!(500)), (json!(2), json!(500)), (json!(3), json!(204))]);
}

#[tokio::test]
async fn webhook_deliveries_are_given_up_after_ten_tries() {
    let mut bench = TestBench::new().await;
    bench.receiver.status.store(503, Ordering::SeqCst);
    bench.create_client("lena.voss@nordlicht.example").await;
    for _ in 0..20 {
        bench.wait(Duration::minutes(2)).await;
    }
    assert_eq!(bench.receiver.events().len(), 10);
}

#[tokio::test]
async fn a_webhook_can_overtake_the_answer_and_come_again() {
    let mut bench = TestBench::new().await;
    let submission = bench.signed_up("one_number").await;
    bench.wait(Duration::ZERO).await;
    bench.receiver.all();
    bench.fault(json!({"route": "webhook.channel_live", "copies": 3, "early": 1})).await;
    bench.submit(&submission).await;
    let [early] = bench.receiver.all().try_into().unwrap();
    assert_eq!(early.event(), "channel_live");
    // Whoever reacts at once finds a channel that is live.
    let channel = early.json()["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.make_key(&channel).await.0, 201);
    bench.wait(Duration::seconds(1)).await;
    let late: Vec<Value> = bench.receiver.all().iter().map(Received::json).collect();
    let again: Vec<_> = late.iter().filter(|event| event["event"] == "channel_live").collect();
    assert_eq!(again, [&early.json(), &early.json()]);
    assert_eq!(late.len(), 6);
    assert_eq!(bench.ledger().await["channels"][0]["hub_status"], "live");
}

#[tokio::test]
async fn webhook_shapes_signatures_and_losses_can_be_ordered() {
    let mut bench = TestBench::new().await;
    let submission = bench.signed_up("one_number").await;
    bench
        .fault(json!([
            {"route": "webhook.channel_created", "shape": "legacy", "signature": "none"},
            {"route": "webhook.channel_submitted", "shape": "array", "signature": "prefixed"},
            {"route": "webhook.channel_ready", "shape": "duplicate", "signature": "wrong"},
            {"route": "webhook.channel_running", "lose": true},
            {"route": "webhook.channel_live", "shape": "flat"},
        ]))
        .await;
    bench.wait(Duration::ZERO).await;
    bench.receiver.all();
    bench.submit(&submission).await;
    for _ in 0..5 {
        bench.wait(Duration::milliseconds(60)).await;
    }
    let [created, submitted, ready, live] = bench.receiver.all().try_into().unwrap();
    let id = live.json()["data"]["id"].clone();
    assert_eq!(created.json(), json!({"event": "channel_created", "channel_id": id}));
    assert_eq!(signature(&created), None);
    assert_eq!(submitted.json()[0]["event"], "channel_submitted");
    assert_eq!(signature(&submitted), Some(format!("sha256={}", expected(&submitted)).as_str()));
    assert_eq!(ready.json()[0], ready.json()[1]);
    assert!(signature(&ready).is_some_and(|given| given != expected(&ready)));
    let data = live.json()["data"].clone();
    assert_eq!(crate::support::shape(&data), ["account_mode", "id", "phone_name", "phone_number", "status"]);
    let ledger = bench.ledger().await;
    let lost =
        ledger["webhooks"].as_array().unwrap().iter().find(|webhook| webhook["event"] == "channel_running").unwrap();
    assert_eq!((&lost["status"], &lost["error"]), (&Value::Null, &json!("lost on order")));
}

#[tokio::test]
async fn any_webhook_can_be_sent_now() {
    let mut bench = TestBench::new().await;
    let event = json!({"id": "evt_99z9", "event": "channel_brand_new_event", "data": {"id": "Rb82LdCH"}});
    bench.receiver.status.store(401, Ordering::SeqCst);
    let (status, told) = bench.control("webhook", json!({"event": event, "signature": "none"})).await;
    assert_eq!((status, &told["status"]), (200, &json!(401)));
    let [received] = bench.receiver.all().try_into().unwrap();
    assert_eq!((received.json(), signature(&received)), (event, None));
}

#[tokio::test]
async fn meta_sends_a_signed_account_update_after_its_handshake() {
    let mut bench = TestBench::new().await;
    let order = json!({"account": "one_number", "event": "PARTNER_ADDED"});
    let (status, told) = bench.control("account_update", order.clone()).await;
    assert_eq!((status, &told["status"]), (200, &json!(200)));
    let [received] = bench.receiver.all().try_into().unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(b"made-up-app-secret").unwrap();
    let expected = hex::encode(mac.chain_update(&received.body).finalize().into_bytes());
    assert_eq!(received.headers["x-hub-signature-256"], format!("sha256={expected}"));
    let value = received.json()["entry"][0]["changes"][0]["value"].clone();
    assert_eq!(value["event"], "PARTNER_ADDED");
    let (_, popup) = bench.control("popup", json!({"account": "one_number"})).await;
    assert_eq!(value["waba_info"]["waba_id"], popup["session"]["data"]["waba_id"]);

    let other = TestBench::with(|settings| settings.meta_verify_token = "made-up-other".to_owned()).await;
    assert_eq!(other.control("account_update", order).await.0, 502);
    assert_eq!(answer(other.http.get(format!("{}/popup", other.simulator.sdk_url()))).await.0, 400);
}
