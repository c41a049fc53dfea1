//! The calls to the Hub that one onboarding costs, by road. The call for a token is not among them.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// Signs a customer up whose client account the partner names.
async fn of_known_client(bench: &TestBench, client_id: &Value) -> Started {
    let mut body = start_body("tenant-1");
    body["client"] = json!({"id": client_id});
    let answer = bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
    let started: Started = serde_json::from_value(answer.succeeded().unwrap()).unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    started
}

/// The routes that were called since the first `before` calls, once the onboarding is ready.
async fn calls_until_ready(bench: &TestBench, started: &Started, before: usize) -> Vec<String> {
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(started).await;
    bench.hub_routes().await.split_off(before)
}

#[tokio::test]
async fn a_new_customer_costs_five() {
    for accounts in [0, 199] {
        let bench = TestBench::unlimited().await;
        for number in 0..accounts {
            bench.make_client(&format!("customer-{number}@another.example")).await;
        }
        let started = bench.signed_up("tenant-1", "one_number").await;
        let calls = calls_until_ready(&bench, &started, accounts).await;
        assert_eq!(calls, ["list_clients", "create_client", "numbers", "list_channels", "api_keys"], "{accounts}");
    }
}

#[tokio::test]
async fn a_known_client_account_costs_three() {
    let bench = TestBench::unlimited().await;
    let id = bench.make_client("jo@another.example").await;
    let started = of_known_client(&bench, &json!(id)).await;
    assert_eq!(calls_until_ready(&bench, &started, 1).await, ["numbers", "list_channels", "api_keys"]);
}

#[tokio::test]
async fn more_than_two_hundred_client_accounts_cost_one_more() {
    let bench = TestBench::unlimited().await;
    for number in 0..201 {
        bench.make_client(&format!("customer-{number}@another.example")).await;
    }
    let started = bench.signed_up("tenant-1", "one_number").await;
    assert_eq!(
        calls_until_ready(&bench, &started, 201).await,
        ["list_clients", "list_clients", "create_client", "numbers", "list_channels", "api_keys"]
    );
}

#[tokio::test]
async fn a_channel_that_was_there_before_costs_one_more() {
    let bench = TestBench::unlimited().await;
    let id = json!(bench.make_client("jo@another.example").await);
    let order = json!({"account": "one_number", "client_id": id, "key": false});
    assert!(bench.client.post("/simulator/channels", "", &order).await.unwrap().status < 300);
    bench.pass(Duration::hours(1));
    let started = of_known_client(&bench, &id).await;
    // The Hub refuses a number that it has. Which channel it is, is then looked up instead of asked.
    assert_eq!(calls_until_ready(&bench, &started, 1).await, ["numbers", "list_channels", "list_api_keys", "api_keys"]);
}
