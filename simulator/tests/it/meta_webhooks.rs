use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Received, TestBench, answer};

fn expected(received: &Received) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(b"made-up-app-secret").unwrap();
    format!("sha256={}", hex::encode(mac.chain_update(&received.body).finalize().into_bytes()))
}

fn signature(received: &Received) -> Option<&str> {
    received.headers.get("x-hub-signature-256").map(|value| value.to_str().unwrap())
}

async fn reported(bench: &mut TestBench, route: &str, order: Value) -> Vec<Received> {
    let (status, told) = bench.control(route, order).await;
    assert_eq!((status, &told["status"]), (200, &json!(200)), "{told}");
    bench.receiver.all()
}

#[tokio::test]
async fn a_report_can_come_late_repeated_and_with_ids_as_numbers() {
    let mut bench = TestBench::new().await;
    let order = json!({
        "account": "one_number", "event": "PARTNER_ADDED", "time": "2026-11-01T08:00:00Z", "copies": 3,
        "ids_as_numbers": true,
    });
    let received = reported(&mut bench, "account_update", order).await;
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|copy| copy.body == received[0].body && signature(copy) == Some(&expected(copy))));
    let entry = received[0].json()["entry"][0].clone();
    assert_eq!(entry["time"], 1_793_520_000);
    let info = &entry["changes"][0]["value"]["waba_info"];
    assert!(info["waba_id"].is_u64() && info["solution_partner_business_ids"][1].is_u64(), "{info}");
    let tries: Vec<_> =
        bench.ledger().await["webhooks"].as_array().unwrap().iter().map(|copy| copy["try"].clone()).collect();
    assert_eq!(tries, [1, 2, 3]);
}

#[tokio::test]
async fn reports_come_in_batches_between_those_of_other_fields() {
    let mut bench = TestBench::new().await;
    let order = json!({"entries": [
        {"time": "2026-11-01T08:00:00Z", "changes": [
            {"account": "one_number:1", "event": "PARTNER_ADDED"},
            {"account": "one_number:2", "event": "PARTNER_APP_INSTALLED"},
        ]},
        {"changes": [
            {"account": "coexistence:3", "field": "history"},
            {"account": "coexistence:3", "field": "smb_app_state_sync"},
        ]},
        {"changes": [{"account": "one_number:1", "field": "messages"}]},
    ]});
    let [received] = reported(&mut bench, "meta_webhook", order).await.try_into().unwrap();
    assert_eq!(signature(&received), Some(expected(&received).as_str()));
    let entries = received.json()["entry"].clone();
    let fields: Vec<_> =
        entries.as_array().unwrap().iter().flat_map(|entry| entry["changes"].as_array().unwrap().clone()).collect();
    let fields: Vec<_> = fields.iter().map(|change| change["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["account_update", "account_update", "history", "smb_app_state_sync", "messages"]);
    let first = &entries[0]["changes"][0]["value"]["waba_info"]["waba_id"];
    assert_eq!(&entries[2]["id"], first, "chats stand below the WABA");
    assert_ne!(&entries[0]["id"], first, "reports stand below the partner");
    assert!(entries[2]["changes"][0]["value"]["messages"][0]["text"]["body"].is_string());
    let ledger = bench.ledger().await;
    let name =
        "account_update PARTNER_ADDED, account_update PARTNER_APP_INSTALLED, history, smb_app_state_sync, messages";
    assert_eq!(ledger["webhooks"][0]["event"], name);
}

#[tokio::test]
async fn the_end_of_a_signup_is_reported_without_the_solution() {
    let mut bench = TestBench::new().await;
    let submission = bench.signed_up("coexistence").await;
    let played = bench.control("popup", json!({"account": "coexistence"})).await.1;
    let token = bench.token(&played).await;
    bench.receiver.all();
    for (event, unshare) in [("PARTNER_REMOVED", false), ("PARTNER_APP_UNINSTALLED", true)] {
        let order = json!({"account": "coexistence", "event": event, "unshare": unshare});
        let value = reported(&mut bench, "account_update", order).await.pop().unwrap().json()["entry"][0]["changes"][0]
            ["value"]
            .clone();
        assert_eq!(value["event"], event);
        let info = value["waba_info"].as_object().unwrap();
        assert_eq!(info["waba_id"], submission["waba_external_id"]);
        assert!(!info.contains_key("solution_id"));
        assert_eq!(info.contains_key("partner_app_id"), event == "PARTNER_APP_UNINSTALLED");
        assert_eq!(value["disconnection_info"].is_object(), event == "PARTNER_REMOVED");
        // A report alone changes nothing at Meta.
        let number = bench.graph(submission["waba_external_id"].as_str().unwrap()).bearer_auth(&token);
        assert_eq!(answer(number).await.0, if unshare { 401 } else { 200 });
    }
    assert_eq!(bench.submit(&submission).await.0, 400, "no longer shared");
}

#[tokio::test]
async fn any_body_of_metas_can_be_sent_with_any_signature() {
    let mut bench = TestBench::new().await;
    let order = json!({"body": "{\"entry\": [nul", "signature": "wrong"});
    let [received] = reported(&mut bench, "meta_webhook", order).await.try_into().unwrap();
    assert_eq!(received.body, "{\"entry\": [nul");
    assert!(signature(&received).is_some_and(|given| given != expected(&received)));
    for order in [
        json!({}),
        json!({"body": "{}", "entries": [{"changes": []}]}),
        json!({"body": "{}", "copies": 0}),
        json!({"entries": [{"changes": [{"account": "one_number", "field": "messages", "event": "PARTNER_ADDED"}]}]}),
        json!({"entries": [{"changes": [{"account": "one_number"}]}]}),
    ] {
        assert_eq!(bench.control("meta_webhook", order.clone()).await.0, 422, "{order}");
    }
}
