use serde_json::{Value, json};
use time::Duration;

use crate::support::{TestBench, answer};

async fn channels_of(bench: &TestBench, number: &Value) -> Vec<Value> {
    let filters = json!({"external_id": number}).to_string();
    let (_, page) = answer(bench.hub("GET", "/channels").query(&[("filters", filters.as_str())])).await;
    page["partner_channels"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_person_at_the_hub_makes_a_channel_with_a_key_in_use() {
    let mut bench = TestBench::new().await;
    let (_, client) = bench.create_client("other@nordlicht.example").await;
    bench.wait(Duration::ZERO).await;
    bench.receiver.all();
    let order = json!({
        "account": "one_number", "client_id": client["id"], "created_at": "2025-03-01T08:00:00Z", "key": true,
    });
    let (status, made) = bench.control("channels", order).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(channels_of(&bench, &made["channel"]["external_id"]).await, [made["channel"].clone()]);
    assert_eq!((&made["channel"]["client_id"], &made["channel"]["hub_status"]), (&client["id"], &json!("live")));
    assert_eq!(made["channel"]["created_at"], "2025-03-01T08:00:00Z");
    bench.wait(Duration::seconds(1)).await;
    assert!(bench.receiver.events().is_empty(), "nothing was told");

    let url = format!("{}/v1/configs/webhook", made["key"]["address"].as_str().unwrap());
    let used = || answer(bench.http.get(&url).header("D360-API-KEY", made["key"]["api_key"].as_str().unwrap()));
    assert_eq!(used().await.0, 200);
    let id = made["channel"]["id"].as_str().unwrap();
    let (_, listed) = answer(bench.hub("GET", &format!("/channels/{id}/api_keys"))).await;
    assert_eq!(listed["api_keys"][0]["id"], made["key"]["id"]);

    bench.make_key(id).await;
    assert_eq!(used().await.0, 401);
    let keys = bench.ledger().await["keys"].clone();
    assert_eq!((&keys[0]["made_by"], &keys[0]["valid"]), (&json!("hub"), &json!(false)));
    assert_eq!((&keys[1]["made_by"], &keys[1]["valid"]), (&json!("partner"), &json!(true)));
    assert_eq!((&keys[1]["client_id"], &keys[1]["external_id"]), (&client["id"], &made["channel"]["external_id"]));
    let (status, third) = bench.control("keys", json!({"channel_id": id})).await;
    assert_eq!((status, bench.ledger().await["channels"][0]["valid_key_id"].clone()), (200, third["id"].clone()));
}

#[tokio::test]
async fn a_channel_made_at_the_hub_can_have_any_stage_and_be_told_of() {
    let mut bench = TestBench::new().await;
    let (_, made) = bench.control("channels", json!({"account": "one_number", "stage": "ready", "told": true})).await;
    bench.wait(Duration::ZERO).await;
    assert_eq!(bench.receiver.events(), ["channel_created", "channel_submitted", "channel_ready"]);
    let clients = bench.ledger().await["clients"].clone();
    assert_eq!((&clients[0]["id"], &made["key"]), (&made["channel"]["client_id"], &Value::Null));
    assert_eq!(bench.control("keys", json!({"channel_id": made["channel"]["id"]})).await.0, 409);
    for (order, status) in [
        (json!({"account": "one_number", "stage": "ready", "key": true}), 422),
        (json!({"account": "one_number", "stage": "gone"}), 422),
        (json!({"account": "no_number"}), 404),
        (json!({"account": "one_number", "client_id": "missingCL"}), 404),
    ] {
        assert_eq!(bench.control("channels", order.clone()).await.0, status, "{order}");
    }
}

#[tokio::test]
async fn what_the_hub_answers_for_a_number_of_another_client_can_be_chosen() {
    let bench = TestBench::new().await;
    let submission = bench.signed_up("one_number").await;
    let (_, other) = bench.control("channels", json!({"account": "one_number"})).await;
    assert_eq!(bench.submit(&submission).await.0, 409);
    bench.control("settings", json!({"number_taken": "refused"})).await;
    let (status, refused) = bench.submit(&submission).await;
    assert_eq!((status, &refused["meta"]["developer_message"]), (400, &json!("Wrong payload")));
    assert_eq!(bench.ledger().await["channels"].as_array().unwrap().len(), 1);

    bench.control("settings", json!({"number_taken": "second_channel"})).await;
    for _ in 0..2 {
        assert_eq!(bench.submit(&submission).await.0, 200);
    }
    bench.wait(Duration::seconds(1)).await;
    let channels = channels_of(&bench, &other["channel"]["external_id"]).await;
    let clients: Vec<_> = channels.iter().map(|channel| &channel["client_id"]).collect();
    assert_eq!(clients, [&other["channel"]["client_id"], &submission["client_id"]]);
    bench.control("settings", json!({"number_taken": "conflict"})).await;
    assert_eq!(bench.submit(&submission).await.0, 200, "the client has a channel of its own");
}

#[tokio::test]
async fn the_ledger_tells_which_codes_were_exchanged() {
    let bench = TestBench::new().await;
    let (_, played) = bench.control("popup", json!({"account": "one_number", "code": "AQmade-up"})).await;
    let codes = bench.ledger().await["codes"].clone();
    assert_eq!((&codes[0]["account"], &codes[0]["exchanged_at"]), (&json!("one_number"), &Value::Null));
    bench.token(&played).await;
    let codes = bench.ledger().await["codes"].clone();
    assert_eq!(codes[0]["code"], "AQmade-up");
    assert!(codes[0]["exchanged_at"].is_string());
}
