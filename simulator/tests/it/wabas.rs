use serde_json::{Value, json};

use crate::support::{TestBench, answer, shape};

async fn popup(bench: &TestBench, order: Value) -> Value {
    bench.control("popup", order).await.1
}

async fn targets(bench: &TestBench, token: &str) -> Vec<Value> {
    let app = format!("{}|{}", bench.settings.app_id, bench.settings.app_secret);
    let (_, data) = answer(bench.graph("debug_token").query(&[("input_token", token)]).bearer_auth(app)).await;
    data["data"]["granular_scopes"][0]["target_ids"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_token_lists_every_waba_of_the_portfolio_in_no_fixed_order() {
    let bench = TestBench::new().await;
    let played = popup(&bench, json!({"account": "several_wabas"})).await;
    let named = &played["session"]["data"];
    let token = bench.token(&played).await;
    let (first, second) = (targets(&bench, &token).await, targets(&bench, &token).await);
    assert!(first.len() == 3 && first != second && first.iter().all(|waba| second.contains(waba)));
    assert!(first.contains(&named["waba_id"]) && first[0] != named["waba_id"]);
    let mut numbers = Vec::new();
    for waba in &first {
        let path = format!("{}/phone_numbers", waba.as_str().unwrap());
        let (status, page) = answer(bench.graph(&path).bearer_auth(&token)).await;
        assert_eq!((status, page["data"].as_array().unwrap().len()), (200, 1));
        numbers.push(page["data"][0]["id"].clone());
    }
    assert!(numbers.contains(&named["phone_number_id"]));
    numbers.dedup();
    assert_eq!(numbers.len(), 3);

    // Each can be handed over, and made at the Hub.
    let (_, client) = bench.create_client("lena.voss@nordlicht.example").await;
    for (waba, number) in first.iter().zip(&numbers) {
        let submission = json!({
            "solution_id": bench.settings.solution_id, "client_id": client["id"],
            "waba_external_id": waba, "channel_external_id": number,
        });
        assert_eq!(bench.submit(&submission).await.0, 200);
        let (_, made) = bench.control("channels", json!({"account": "several_wabas", "phone_number_id": number})).await;
        assert_eq!(&made["channel"]["waba_account"]["external_id"], waba);
    }
}

#[tokio::test]
async fn a_session_may_name_all_wabas_or_none() {
    let bench = TestBench::new().await;
    let played = popup(&bench, json!({"account": "several_wabas_unnamed"})).await;
    assert_eq!(shape(&played["session"]["data"]), ["business_id", "waba_ids"]);
    let token = bench.token(&played).await;
    assert_eq!(targets(&bench, &token).await.len(), 3);
    let played = popup(&bench, json!({"account": "several_wabas", "outcome": "finish_without_session"})).await;
    assert_eq!(shape(&played), ["code"]);

    let played = popup(&bench, json!({"account": "empty_targets"})).await;
    let token = bench.token(&played).await;
    assert!(targets(&bench, &token).await.is_empty());
    let waba = played["session"]["data"]["waba_id"].as_str().unwrap();
    assert_eq!(answer(bench.graph(waba).bearer_auth(token)).await.0, 200);
}

#[tokio::test]
async fn a_number_may_stand_under_a_second_waba() {
    let bench = TestBench::new().await;
    let first = popup(&bench, json!({"account": "one_number:7"})).await["session"]["data"].clone();
    let second = popup(&bench, json!({"account": "same_number:7"})).await["session"]["data"].clone();
    assert_eq!(first["phone_number_id"], second["phone_number_id"]);
    assert_eq!(first["business_id"], second["business_id"]);
    assert_ne!(first["waba_id"], second["waba_id"]);
}

#[tokio::test]
async fn a_sessions_ids_may_be_numbers_and_a_finish_unseen() {
    let bench = TestBench::new().await;
    let texts = popup(&bench, json!({"account": "one_number"})).await["session"]["data"].clone();
    let numbers =
        popup(&bench, json!({"account": "one_number", "ids_as_numbers": true})).await["session"]["data"].clone();
    assert!(numbers["waba_id"].is_u64());
    assert_eq!(numbers["waba_id"].to_string(), texts["waba_id"].as_str().unwrap());
    let unseen = popup(&bench, json!({"account": "one_number:2", "outcome": "finish_unseen"})).await;
    assert_eq!(unseen, json!({}));
    assert_eq!(bench.ledger().await["popups"][2]["outcome"], "finish_unseen");
}
