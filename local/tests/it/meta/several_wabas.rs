//! Signups of several WABAs of which Embedded Signup names none: the customer chooses among all numbers.

use serde_json::json;
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn the_numbers_of_all_granted_wabas_are_offered_and_the_chosen_one_says_which() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("several_wabas", "finish_without_session").await.unwrap();
    let reply = bench.callback(&started, &popup).await;
    assert_eq!(reply.body["status"], "number_choice", "{}", reply.text);
    let numbers = reply.body["numbers"].as_array().unwrap();
    assert_eq!(numbers.len(), 3);
    assert!(numbers.iter().all(|number| number["waba_name"].is_string()), "{numbers:#?}");
    let record = bench.record(&started).await;
    assert_eq!(record["signup"].get("waba_id"), None);
    let chosen = &record["numbers"][1];
    let path = format!("/v1/onboardings/{}/number", started.id);
    assert_eq!(bench.post(&path, started.token(), &json!({"phone_number_id": chosen["id"]})).await.status, 202);
    let signup = bench.record(&started).await["signup"].clone();
    assert_eq!((&signup["waba_id"], &signup["waba_name"]), (&chosen["waba_id"], &chosen["waba_name"]));
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn one_waba_that_cannot_be_read_is_left_out_and_none_is_waited_for() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("several_wabas", "finish_without_session").await.unwrap();
    bench.fault(json!({"route": "phone_numbers", "status": 500, "times": 1_000_000})).await;
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "confirming");
    bench.mend().await;
    let refusal = json!({"error": {"message": "made up", "type": "OAuthException", "code": 200}});
    bench.fault(json!({"route": "phone_numbers", "status": 403, "body": refusal})).await;
    let reply = bench.callback(&started, &popup).await;
    assert_eq!((&reply.body["status"], reply.body["numbers"].as_array().unwrap().len()), (&json!("number_choice"), 2));
}

#[tokio::test]
async fn one_number_of_several_wabas_is_offered_and_not_taken_where_others_could_not_be_read() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("several_wabas", "finish_without_session").await.unwrap();
    let refusal = json!({"error": {"message": "made up", "type": "OAuthException", "code": 200}});
    bench.fault(json!({"route": "phone_numbers", "status": 403, "body": refusal, "times": 2})).await;
    let reply = bench.callback(&started, &popup).await;
    assert_eq!((&reply.body["status"], reply.body["numbers"].as_array().unwrap().len()), (&json!("number_choice"), 1));
}

#[tokio::test]
async fn the_waba_that_the_session_names_is_the_one() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.finish(&started, "several_wabas").await;
}
