//! `Idempotency-Key`: a start that is repeated starts nothing twice.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::answers::{Reply, send};
use crate::world::World;

async fn start(world: &World, key: &str, body: &Value) -> Reply {
    let request = world.client.request(Method::POST, "/v1/onboardings", BACKEND_TOKEN);
    send(request.header("Idempotency-Key", key).json(body)).await
}

async fn records(world: &World) -> usize {
    world.everything().await["records"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_again_and_start_nothing() {
    let world = World::new().await;
    let first = start(&world, "order-1", &start_body("tenant-1")).await;
    assert_eq!(first.status, 201);
    let before = world.everything().await;
    world.pass(Duration::hours(1));
    let second = start(&world, "order-1", &start_body("tenant-1")).await;
    assert_eq!((second.status, &second.text), (201, &first.text));
    assert_eq!(world.everything().await, before);

    let started: Started = serde_json::from_value(second.body).unwrap();
    world.finish(&started, "one_number").await;
    // Whatever has become of it since.
    let third = start(&world, "order-1", &start_body("tenant-1")).await;
    assert_eq!((third.status, &third.text), (201, &first.text));
    assert_eq!(records(&world).await, 1);
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let world = World::new().await;
    let first = start(&world, "order-1", &start_body("tenant-1")).await;
    let before = world.everything().await;
    start(&world, "order-1", &start_body("tenant-2")).await.assert_problem(409, "idempotency_conflict");
    assert_eq!(world.everything().await, before);
    world.finish(&serde_json::from_value(first.body).unwrap(), "one_number").await;
}

#[tokio::test]
async fn ten_at_once_start_one() {
    let world = World::new().await;
    let body = start_body("tenant-1");
    let posts: Vec<_> = (0..10)
        .map(|_| {
            let request = world.client.request(Method::POST, "/v1/onboardings", BACKEND_TOKEN);
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
    assert_eq!((answers.len(), records(&world).await), (1, 1));
    world.finish(&serde_json::from_str(&answers[0]).unwrap(), "one_number").await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_and_another_one_starts_another() {
    let world = World::new().await;
    let first = start(&world, "order-1", &start_body("tenant-1")).await;
    let other = start(&world, "order-2", &start_body("tenant-1")).await;
    assert_ne!(first.body["id"], other.body["id"]);
    world.pass(Duration::hours(24));
    let later = start(&world, "order-1", &start_body("tenant-1")).await;
    assert_eq!(later.status, 201);
    assert_ne!(first.body["id"], later.body["id"]);
    assert_eq!(records(&world).await, 3);
}

#[tokio::test]
async fn a_key_that_is_none_is_named() {
    let world = World::new().await;
    for key in ["", "   ", &"k".repeat(256)] {
        start(&world, key, &start_body("tenant-1")).await.assert_fields(&["Idempotency-Key"]);
    }
    assert_eq!(world.everything().await["records"], json!([]));
    assert_eq!(start(&world, &"k".repeat(255), &start_body("tenant-1")).await.status, 201);
}

#[tokio::test]
async fn a_refused_body_does_not_use_the_key_up() {
    let world = World::new().await;
    start(&world, "order-1", &json!({})).await.assert_fields(&["reference", "client"]);
    let reply = start(&world, "order-1", &start_body("tenant-1")).await;
    assert_eq!(reply.status, 201);
    world.finish(&serde_json::from_value(reply.body).unwrap(), "one_number").await;
}

#[tokio::test]
async fn a_start_that_could_not_be_queued_is_moved_on_by_reconciliation() {
    let world = World::new().await;
    world.stack.world.queue.fail_next(1);
    let reply = start(&world, "order-1", &start_body("tenant-1")).await;
    assert_eq!(reply.status, 201);
    world.assert_nothing_left();
    world.pass(Duration::minutes(11));
    world.stack.functions.reconciliation.handle().await.unwrap();
    world.settle().await;
    assert_eq!(world.count("clients").await, 1);
    world.finish(&serde_json::from_value(reply.body).unwrap(), "one_number").await;
}
