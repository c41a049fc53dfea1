use serde_json::{Value, json};
use time::Duration;

use crate::support::{TestBench, answer};

async fn message_webhook(bench: &TestBench, key: &Value) -> u16 {
    let url = format!("{}/v1/configs/webhook", key["address"].as_str().unwrap());
    answer(bench.http.get(url).header("D360-API-KEY", key["api_key"].as_str().unwrap())).await.0
}

#[tokio::test]
async fn a_new_key_revokes_the_old_one() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    let (status, first) = bench.make_key(&channel).await;
    assert_eq!(status, 201);
    assert_eq!(first["address"], bench.simulator.messaging_url());
    assert_eq!(message_webhook(&bench, &first).await, 200);
    let (_, second) = bench.make_key(&channel).await;
    assert_eq!(message_webhook(&bench, &first).await, 401);
    assert_eq!(message_webhook(&bench, &second).await, 200);

    let path = format!("/channels/{channel}/api_keys");
    let (_, listed) = answer(bench.hub("GET", &path)).await;
    assert_eq!(listed, json!({"api_keys": [{"id": second["id"], "address": second["address"], "app_id": "8842AP"}]}));
    let (_, listed) = answer(bench.hub("GET", &path).header("host", "stack.localhost:3001")).await;
    assert_eq!(listed["api_keys"][0]["address"], "http://stack.localhost:3001/messaging", "as the caller knows us");
    let ledger = bench.ledger().await;
    assert_eq!(ledger["channels"][0]["valid_key_id"], second["id"]);
    assert_eq!(ledger["keys"][0]["valid"], false);
    assert_eq!(ledger["keys"][1]["api_key"], second["api_key"]);
    assert_eq!(answer(bench.hub("DELETE", &path)).await.0, 204);
    assert_eq!(message_webhook(&bench, &second).await, 401);
}

#[tokio::test]
async fn the_message_webhook_is_set_with_the_key() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    let (_, key) = bench.make_key(&channel).await;
    let url = format!("{}/v1/configs/webhook", bench.simulator.messaging_url());
    let own = json!({"url": "https://edge.funkturm.example/hooks", "headers": {"X-Funkturm-Auth": "made-up"}});
    let request = |key: &str| bench.http.post(&url).header("D360-API-KEY", key).json(&own);
    assert_eq!(answer(request(key["api_key"].as_str().unwrap())).await.0, 200);
    let (status, refused) = answer(request("made-up-other")).await;
    assert_eq!((status, refused), (401, json!({"error": "Invalid API key"})));
    let read = bench.http.get(&url).header("D360-API-KEY", key["api_key"].as_str().unwrap());
    assert_eq!(answer(read).await.1, own);
}

#[tokio::test]
async fn no_key_is_made_before_the_channel_runs() {
    let bench = TestBench::new().await;
    let submission = bench.signed_up("one_number").await;
    bench.submit(&submission).await;
    let channel = bench.ledger().await["channels"][0]["id"].as_str().unwrap().to_owned();
    let (status, body) = bench.make_key(&channel).await;
    let sample = json!({"meta": {
        "success": false, "http_code": 400, "developer_message": "Client error", "details": ["Channel is not running"],
    }});
    assert_eq!((status, body), (400, sample));
    assert_eq!(bench.make_key("missingCH").await.0, 404);
    bench.wait(Duration::milliseconds(300)).await;
    assert_eq!(bench.make_key(&channel).await.0, 201);
}

#[tokio::test]
async fn with_direct_payment_the_client_must_permit_the_key() {
    let mut bench = TestBench::new().await;
    bench.control("settings", json!({"payment": "direct"})).await;
    let channel = bench.live_channel("one_number").await;
    let (status, body) = bench.make_key(&channel).await;
    assert_eq!((status, body["meta"]["developer_message"].as_str()), (403, Some("Forbidden")));
    let (_, granted) = bench.control("permission", json!({"channel_id": channel, "granted": true})).await;
    assert_eq!(granted, json!({"channel_ids": [channel]}));
    bench.wait(Duration::ZERO).await;
    let [event] = bench.receiver.all().try_into().unwrap();
    assert_eq!(event.json()["event"], "channel_permission_granted");
    assert_eq!(event.json()["data"]["id"], json!(channel));
    assert_eq!(bench.make_key(&channel).await.0, 201);

    bench.control("permission", json!({"channel_id": channel, "granted": false})).await;
    assert_eq!(bench.make_key(&channel).await.0, 403);
    let client = bench.ledger().await["clients"][0]["id"].clone();
    bench.control("permission", json!({"client_id": client, "granted": true})).await;
    assert_eq!(bench.make_key(&channel).await.0, 201);
}

#[tokio::test]
async fn an_answer_lost_after_the_effect_leaves_a_key_that_nobody_has() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    let (_, first) = bench.make_key(&channel).await;
    bench.fault(json!({"route": "api_keys", "drop": true, "after_effect": true})).await;
    let request = bench.hub("POST", &format!("/channels/{channel}/api_keys"));
    assert!(request.send().await.unwrap_err().is_request());
    assert_eq!(message_webhook(&bench, &first).await, 401);
    let ledger = bench.ledger().await;
    assert_eq!(ledger["keys"].as_array().unwrap().len(), 2);
    let call = ledger["calls"].as_array().unwrap().iter().rfind(|call| call["route"] == "api_keys").unwrap();
    assert_eq!((&call["status"], &call["fault"]), (&Value::Null, &json!("drop, after effect")));
    assert_eq!(bench.make_key(&channel).await.0, 201);
}

#[tokio::test]
async fn the_messaging_api_names_the_number_that_a_key_is_for() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    let (_, old) = bench.make_key(&channel).await;
    let (_, key) = bench.make_key(&channel).await;
    let url = format!("{}/health_status", bench.simulator.messaging_url());
    let asked = |key: &Value| answer(bench.http.get(&url).header("D360-API-KEY", key["api_key"].as_str().unwrap()));
    let (status, health) = asked(&key).await;
    assert_eq!(status, 200);
    let number = bench.ledger().await["channels"][0]["external_id"].clone();
    let entities = health["health_status"]["entities"].as_array().unwrap();
    assert_eq!((&health["id"], &entities[0]["id"]), (&number, &number));
    let kinds: Vec<_> = entities.iter().map(|entity| entity["entity_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["PHONE_NUMBER", "WABA", "BUSINESS", "APP"]);
    assert!(entities.iter().all(|entity| entity["can_send_message"] == "AVAILABLE"));
    assert_eq!(asked(&old).await, (401, json!({"error": "Invalid API key"})));
    assert_eq!(answer(bench.http.get(&url)).await.0, 401);

    bench.control("settings", json!({"can_send_message": "BLOCKED"})).await;
    let (_, health) = asked(&key).await;
    assert_eq!(health["health_status"]["can_send_message"], "BLOCKED");
    assert!(health["health_status"]["entities"][0]["errors"][0]["error_code"].is_u64());
    bench.control("settings", json!({"health_status": false})).await;
    assert_eq!(asked(&key).await, (404, json!({"error": "Not found"})));
    assert_eq!(message_webhook(&bench, &key).await, 200);
}
