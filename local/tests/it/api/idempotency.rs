//! `Idempotency-Key`: a start that is repeated starts nothing twice.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::{Reply, send};

async fn start(bench: &TestBench, key: &str, body: &Value) -> Reply {
    let request = bench.client.request(Method::POST, "/v1/onboardings", BACKEND_TOKEN);
    send(request.header("Idempotency-Key", key).json(body)).await
}

async fn records(bench: &TestBench) -> usize {
    bench.everything().await["records"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_start_repeated_with_its_idempotency_key_gets_the_same_answer_and_starts_nothing() {
    let bench = TestBench::new().await;
    let first = start(&bench, "order-1", &start_body("tenant-1")).await;
    assert_eq!(first.status, 201);
    let before = bench.everything().await;
    bench.pass(Duration::hours(1));
    let second = start(&bench, "order-1", &start_body("tenant-1")).await;
    assert_eq!((second.status, &second.text), (201, &first.text));
    assert_eq!(bench.everything().await, before);

    let started: Started = serde_json::from_value(second.body).unwrap();
    bench.finish(&started, "one_number").await;
    // Whatever has become of it since.
    let third = start(&bench, "order-1", &start_body("tenant-1")).await;
    assert_eq!((third.status, &third.text), (201, &first.text));
    assert_eq!(records(&bench).await, 1);
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn an_idempotency_key_with_another_body_is_refused() {
    let bench = TestBench::new().await;
    let first = start(&bench, "order-1", &start_body("tenant-1")).await;
    let before = bench.everything().await;
    start(&bench, "order-1", &start_body("tenant-2")).await.assert_problem(409, "idempotency_conflict");
    assert_eq!(bench.everything().await, before);
    bench.finish(&serde_json::from_value(first.body).unwrap(), "one_number").await;
}

#[tokio::test]
async fn ten_starts_at_once_with_one_idempotency_key_start_one_onboarding() {
    let bench = TestBench::new().await;
    let body = start_body("tenant-1");
    let posts: Vec<_> = (0..10)
        .map(|_| {
            let request = bench.client.request(Method::POST, "/v1/onboardings", BACKEND_TOKEN);
            tokio::spawn(send(request.header("Idempotency-Key", "order-1").json(&body)))
        })
        .collect();
    let mut answers = Vec::new();
    for post in posts {
        let reply = post.await.unwrap();
        assert_eq!(reply.status, 201, "{}", reply.text);
        answers.push(reply.text);
    }
    answers.dedup();
    assert_eq!((answers.len(), records(&bench).await), (1, 1));
    bench.finish(&serde_json::from_str(&answers[0]).unwrap(), "one_number").await;
}

#[tokio::test]
async fn an_idempotency_key_is_forgotten_after_a_day_and_another_key_starts_another_onboarding() {
    let bench = TestBench::new().await;
    let first = start(&bench, "order-1", &start_body("tenant-1")).await;
    let other = start(&bench, "order-2", &start_body("tenant-1")).await;
    assert_ne!(first.body["id"], other.body["id"]);
    bench.pass(Duration::hours(24));
    let later = start(&bench, "order-1", &start_body("tenant-1")).await;
    assert_eq!(later.status, 201);
    assert_ne!(first.body["id"], later.body["id"]);
    assert_eq!(records(&bench).await, 3);
}

#[tokio::test]
async fn an_invalid_idempotency_key_is_refused_by_name() {
    let bench = TestBench::new().await;
    for key in ["", "   ", &"k".repeat(256)] {
        start(&bench, key, &start_body("tenant-1")).await.assert_fields(&["Idempotency-Key"]);
    }
    assert_eq!(bench.everything().await["records"], json!([]));
    assert_eq!(start(&bench, &"k".repeat(255), &start_body("tenant-1")).await.status, 201);
}

#[tokio::test]
async fn a_refused_body_does_not_use_up_its_idempotency_key() {
    let bench = TestBench::new().await;
    start(&bench, "order-1", &json!({})).await.assert_fields(&["reference", "client"]);
    let reply = start(&bench, "order-1", &start_body("tenant-1")).await;
    assert_eq!(reply.status, 201);
    bench.finish(&serde_json::from_value(reply.body).unwrap(), "one_number").await;
}

#[tokio::test]
async fn a_start_that_could_not_be_queued_is_moved_on() {
    let bench = TestBench::new().await;
    bench.stack.twins.queue.fail_next(1);
    let reply = start(&bench, "order-1", &start_body("tenant-1")).await;
    assert_eq!(reply.status, 201);
    bench.settle().await;
    assert_eq!(bench.count("clients").await, 0);
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.count("clients").await, 1);
    bench.finish(&serde_json::from_value(reply.body).unwrap(), "one_number").await;
}
