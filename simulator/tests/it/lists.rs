use serde_json::{Value, json};
use time::Duration;

use crate::support::{TestBench, answer};

async fn listed(bench: &TestBench, path: &str) -> Value {
    let (status, page) = answer(bench.hub("GET", path)).await;
    assert_eq!(status, 200, "{page}");
    page
}

#[tokio::test]
async fn broken_entries_stand_between_good_ones_and_count() {
    let bench = TestBench::new().await;
    for email in ["a@nordlicht.example", "b@nordlicht.example"] {
        bench.create_client(email).await;
    }
    let entries = json!([null, 7, {"name": "without an id"}]);
    assert_eq!(bench.control("lists", json!({"list": "clients", "entries": entries})).await.0, 200);
    let page = listed(&bench, "/clients?sort=created_at").await;
    let clients = page["clients"].as_array().unwrap();
    assert_eq!((&clients[0], &clients[2], &clients[4]), (&Value::Null, &json!(7), &entries[2]));
    assert_eq!(clients[1]["contact_info"]["email"], "a@nordlicht.example");
    assert_eq!(clients[3]["contact_info"]["email"], "b@nordlicht.example");
    assert_eq!((&page["count"], &page["total"]), (&json!(5), &json!(5)));
    assert_eq!(listed(&bench, "/clients?limit=2&offset=4").await["clients"], json!([entries[2]]));
    assert_eq!(listed(&bench, "/channels").await["total"], 0);

    bench.control("lists", json!({"list": "clients"})).await;
    assert_eq!(listed(&bench, "/clients").await["total"], 2);
}

#[tokio::test]
async fn a_hidden_channel_is_in_no_list_but_can_be_shown() {
    let mut bench = TestBench::new().await;
    let channel = bench.live_channel("one_number").await;
    bench.control("lists", json!({"list": "channels", "hidden": [channel]})).await;
    assert_eq!(listed(&bench, "/channels").await["total"], 0);
    assert_eq!(listed(&bench, &format!("/channels/{channel}")).await["id"], json!(channel));
}

#[tokio::test]
async fn metas_phone_numbers_can_be_broken_too() {
    let bench = TestBench::new().await;
    let (_, played) = bench.control("popup", json!({"account": "one_number"})).await;
    let token = bench.token(&played).await;
    bench.control("lists", json!({"list": "phone_numbers", "entries": [null, {"display_phone_number": 4}]})).await;
    let path = format!("{}/phone_numbers", played["session"]["data"]["waba_id"].as_str().unwrap());
    let (_, page) = answer(bench.graph(&path).bearer_auth(token)).await;
    let data = page["data"].as_array().unwrap();
    assert_eq!((data.len(), &data[0]), (3, &Value::Null));
    assert_eq!(data[1]["id"], played["session"]["data"]["phone_number_id"]);
}

#[tokio::test]
async fn a_private_use_character_goes_out_as_half_a_surrogate() {
    let mut bench = TestBench::new().await;
    let mut submission = bench.signed_up("one_number:Caf\u{f8ff}").await;
    let (_, client) = answer(bench.hub("POST", "/account_sharing/clients").json(&json!({
        "name": "Caf\u{f8ff}", "email": "half@nordlicht.example", "user_name": "Lena Voss",
    })))
    .await;
    submission["client_id"] = client["id"].clone();
    assert_eq!(bench.submit(&submission).await.0, 200);
    bench.wait(Duration::seconds(1)).await;
    // No JSON reader that keeps to Unicode takes these.
    let half = |text: &Value| text.as_str().unwrap().contains(r#"Caf\ud83d""#);
    assert!(half(&listed(&bench, "/clients").await));
    assert!(half(&listed(&bench, "/channels").await));
    let webhooks = bench.receiver.all();
    assert!(
        webhooks.iter().filter(|webhook| String::from_utf8_lossy(&webhook.body).contains(r#"Caf\ud83d""#)).count() >= 5
    );
    let (_, page) = answer(bench.hub("GET", "/clients?filters={\"id\":\"none\"}")).await;
    assert_eq!(page["total"], 0);
}
