use serde_json::{Value, json};
use simulator::Simulator;
use time::Duration;

use crate::support::{TestBench, answer};

#[tokio::test]
async fn invalid_orders_are_refused_with_the_valid_choices() {
    let bench = TestBench::new().await;
    for (order, hint) in [
        (json!({"route": "make_coffee", "status": 500}), "create_client"),
        (json!({"route": "numbers", "statsu": 500}), "after_effect"),
        (json!({"route": "numbers"}), "nothing"),
        (json!({"route": "numbers", "copies": 2}), "webhooks"),
        (json!({"route": "webhook.channel_live", "status": 500}), "calls"),
        (json!({"route": "webhook.channel_created", "early": 1}), "early"),
        (json!({"route": "webhook.channel_live", "copies": 1, "early": 2}), "early"),
        (json!({"route": "numbers", "status": 500, "times": 0}), "times"),
        (json!([{"route": "numbers", "status": 500}, {"route": "numbers", "status": 99}]), "status"),
    ] {
        let (status, body) = bench.control("faults", order.clone()).await;
        assert_eq!(status, 422, "{order}");
        assert!(body["error"].as_str().unwrap().contains(hint), "{order}: {body}");
    }
    for (path, order) in [
        ("popup", json!({"outcome": "win"})),
        ("settings", json!({"payment": "nobody"})),
        ("settings", json!({"webhook_url": "https://edge.funkturm.example/hook"})),
        ("permission", json!({"granted": true})),
        ("webhook", json!({})),
        ("account_update", json!({"account": "one_number"})),
    ] {
        assert_eq!(bench.control(path, order.clone()).await.0, 422, "{path} {order}");
    }
    let url = format!("http://{}/simulator/faults", bench.simulator.address());
    let (_, faults) = answer(bench.http.get(url)).await;
    assert_eq!(faults["pending"], json!([]));
    assert!(faults["routes"].as_array().unwrap().contains(&json!("webhook.channel_live")));
}

#[tokio::test]
async fn pending_faults_can_be_forgotten() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "create_client", "status": 500, "times": 1000})).await;
    assert_eq!(bench.create_client("lena.voss@nordlicht.example").await.0, 500);
    let url = format!("http://{}/simulator/faults", bench.simulator.address());
    assert_eq!(answer(bench.http.delete(&url)).await.0, 200);
    assert_eq!(bench.create_client("lena.voss@nordlicht.example").await.0, 200);
}

#[tokio::test]
async fn a_fault_is_played_as_often_as_ordered() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "create_client", "status": 500, "after_effect": true, "times": 2})).await;
    for expected in [500, 500, 200] {
        let (status, body) = bench.create_client("lena.voss@nordlicht.example").await;
        assert_eq!(status, expected);
        assert_eq!(body["meta"]["http_code"].as_u64().is_some(), expected == 500);
    }
    let ledger = bench.ledger().await;
    assert_eq!(ledger["clients"].as_array().unwrap().len(), 3);
    assert_eq!(ledger["calls"][0]["fault"], "status 500, after effect");
    assert_eq!(ledger["calls"][2].get("fault"), None);

    bench
        .fault(json!([
            {"route": "create_client", "status": 502, "body": "<html>Bad gateway</html>"},
            {"route": "create_client", "drop": true},
            {"route": "create_client", "delay_ms": 1},
        ]))
        .await;
    let (status, body) = bench.create_client("lena.voss@nordlicht.example").await;
    assert_eq!((status, body), (502, json!("<html>Bad gateway</html>")));
    let dropped = bench.hub("POST", "/account_sharing/clients").json(&json!({"name": "A", "email": "a@b.example"}));
    assert!(dropped.send().await.is_err());
    assert_eq!(bench.create_client("lena.voss@nordlicht.example").await.0, 200);
    assert_eq!(bench.ledger().await["clients"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn every_service_errs_in_its_own_words() {
    let bench = TestBench::new().await;
    bench
        .fault(json!([
            {"route": "token", "status": 503},
            {"route": "exchange_code", "status": 500},
            {"route": "set_message_webhook", "status": 500},
            {"route": "sdk_script", "status": 503},
        ]))
        .await;
    let post = |url: String| answer(bench.http.post(url).json(&json!({})));
    let (status, body) = post(format!("{}/token", bench.simulator.hub_url())).await;
    assert_eq!((status, &body["meta"]["http_code"]), (503, &json!(503)));
    let (_, body) = post(format!("{}/oauth/access_token", bench.simulator.graph_url())).await;
    assert_eq!((&body["error"]["code"], &body["error"]["is_transient"]), (&json!(2), &json!(true)));
    let (_, body) = post(format!("{}/v1/configs/webhook", bench.simulator.messaging_url())).await;
    assert_eq!(body, json!({"error": "Internal Server Error"}));
    let script = || bench.http.get(format!("{}/en_US/sdk.js", bench.simulator.sdk_url()));
    assert_eq!(answer(script()).await.0, 503);
    assert_eq!(answer(script()).await.0, 200);
}

#[tokio::test]
async fn a_reset_of_the_simulator_keeps_only_the_webhook_address() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    bench.make_key(&channel).await;
    bench.control("settings", json!({"live_after_ms": 5, "rate_limit": {"calls": 1, "window_ms": 1000}})).await;
    bench.fault(json!({"route": "create_client", "status": 500})).await;
    assert_eq!(bench.control("reset", json!({})).await.0, 200);
    let ledger = bench.ledger().await;
    for (name, value) in ledger.as_object().unwrap() {
        assert!(value.as_array().map_or_else(|| *value == json!({}), Vec::is_empty), "{name}: {value}");
    }
    // Neither the fault nor the limit is left, and webhooks still arrive.
    assert_eq!(bench.create_client("a@nordlicht.example").await.0, 200);
    assert_eq!(bench.create_client("b@nordlicht.example").await.0, 200);
    bench.wait(Duration::ZERO).await;
    assert_eq!(bench.receiver.events().len(), 2);
}

#[tokio::test]
async fn settings_can_be_changed_while_the_simulator_runs() {
    let bench = TestBench::new().await;
    let (_, view) = bench.control("settings", json!({"rate_limit": {"calls": 1, "window_ms": 1000}})).await;
    assert_eq!((&view["rate_limit"]["calls"], &view["payment"]), (&json!(1), &json!("partner")));
    let call = || async { answer(bench.hub("GET", "/clients")).await.0 };
    assert_eq!((call().await, call().await), (200, 429));
    bench.control("settings", json!({"payment": "direct"})).await;
    assert_eq!(call().await, 429);
    bench.control("settings", json!({"rate_limit": null})).await;
    assert_eq!((call().await, call().await), (200, 200));
}

#[tokio::test]
async fn a_saved_state_can_be_loaded_by_another_simulator() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    let (_, key) = bench.make_key(&channel).await;
    let submission = bench.signed_up("one_number:2").await;
    bench.submit(&submission).await;
    let file = std::env::temp_dir().join(format!("simulator-{}-{channel}.json", std::process::id()));
    bench.simulator.save(&file).unwrap();
    let before = bench.ledger().await;
    let old = std::mem::replace(&mut bench.simulator, Simulator::start(bench.settings.clone()).await.unwrap());
    old.stop().await;
    bench.simulator.load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(bench.ledger().await, before);
    let url = format!("{}/v1/configs/webhook", bench.simulator.messaging_url());
    let read = bench.http.get(url).header("D360-API-KEY", key["api_key"].as_str().unwrap());
    assert_eq!(answer(read).await.0, 200);
    // The second number, on its way when the first simulator ended, still goes live.
    bench.wait(Duration::seconds(1)).await;
    assert!(bench.receiver.events().contains(&"channel_live".to_owned()));
    assert!(bench.simulator.load(&file).is_err());
}

#[tokio::test]
async fn the_simulator_calls_nobody_outside_this_machine() {
    let bench = TestBench::new().await;
    for url in ["https://127.0.0.1/hook", "http://edge.funkturm.example/hook", "http://10.0.0.1/hook", "hook"] {
        assert!(bench.simulator.set_webhook_url(url).is_err(), "{url}");
    }
    for url in ["http://127.0.0.1:9/hook", "http://[::1]:9/hook", "http://localhost:9/hook"] {
        assert!(bench.simulator.set_webhook_url(url).is_ok(), "{url}");
    }
    // Nobody listens there: written down, and tried again later.
    bench.create_client("lena.voss@nordlicht.example").await;
    bench.wait(Duration::ZERO).await;
    let ledger = bench.ledger().await;
    assert_eq!(ledger["webhooks"][0]["status"], Value::Null);
    assert!(ledger["webhooks"][0]["error"].is_string());
}

#[tokio::test]
async fn a_stopped_simulator_answers_no_more() {
    let bench = TestBench::new().await;
    let url = format!("{}/partners/x", bench.simulator.hub_url());
    assert_eq!(answer(bench.http.get(&url)).await.0, 401);
    bench.simulator.stop().await;
    assert!(bench.http.get(&url).send().await.is_err());
}
