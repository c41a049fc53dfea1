//! Direct Payment: the client pays 360dialog and must let us make keys first.

use local::client::Started;
use serde_json::{Value, json};
use time::Duration;

use crate::world::World;

/// An onboarding that waits for the client's permission.
async fn waiting(world: &World) -> Started {
    world.change(json!({"payment": "direct"})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    assert_eq!(world.status(&started).await, "permission_required");
    started
}

async fn grant(world: &World, started: &Started) {
    let channel_id = world.record(started).await["channel_id"].clone();
    world.client.order("permission", &json!({"channel_id": channel_id, "granted": true})).await.unwrap();
}

#[tokio::test]
async fn the_customer_is_told_where_to_grant_it_and_the_grant_leads_on() {
    let world = World::new().await;
    let started = waiting(&world).await;
    let record = world.record(&started).await;
    let view = world.setup_view(&started).await.body;
    assert_eq!((view["status"].as_str(), &view["problem"]), (Some("permission_required"), &Value::Null));
    let url: url::Url = view["permission_url"].as_str().unwrap().parse().unwrap();
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(query("client_id").as_deref(), record["client"]["id"].as_str());
    assert_eq!(query("state").as_deref(), Some(started.id.as_str()));
    assert!(query("redirect_url").unwrap().ends_with("/v1/signup/return"), "{url}");
    assert!(query("number").unwrap().bytes().all(|byte| byte.is_ascii_digit()), "{url}");

    // A day passes in which nothing is asked in vain too often.
    world.live_on_schedule(Duration::hours(24)).await;
    assert_eq!(world.status(&started).await, "permission_required");
    let asked = world.calls_of("api_keys").await.len();
    assert!((4..=12).contains(&asked), "{asked}");

    grant(&world, &started).await;
    world.live_through(Duration::seconds(2)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.setup_view(&started).await.body["permission_url"], Value::Null);
}

#[tokio::test]
async fn nobody_waits_too_long_for_permission_to_be_given_up() {
    let world = World::new().await;
    let started = waiting(&world).await;
    world.live_on_schedule(Duration::hours(2)).await;
    world.pass(Duration::hours(78));
    world.live_on_schedule(Duration::hours(1)).await;
    assert_eq!(world.status(&started).await, "permission_required");
    grant(&world, &started).await;
    world.live_through(Duration::seconds(2)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_grant_in_any_shape_and_number_leads_on() {
    for shape in ["full", "flat", "legacy", "array", "duplicate"] {
        let world = World::new().await;
        let started = waiting(&world).await;
        world.fault(json!({"route": "webhook.channel_permission_granted", "shape": shape, "copies": 3})).await;
        grant(&world, &started).await;
        world.live_through(Duration::seconds(40)).await;
        world.assert_promise_kept(&started).await;
        assert_eq!(world.count("keys").await, 1, "{shape}");
    }
}

#[tokio::test]
async fn a_grant_whose_webhook_is_lost_is_found_by_reconciliation() {
    let world = World::new().await;
    let started = waiting(&world).await;
    world.fault(json!({"route": "webhook.channel_permission_granted", "lose": true})).await;
    grant(&world, &started).await;
    world.live_through(Duration::seconds(2)).await;
    assert_eq!(world.status(&started).await, "permission_required");
    world.live_on_schedule(Duration::hours(1)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_403_that_was_a_mistake_is_asked_again() {
    let world = World::new().await;
    world.fault(json!({"route": "api_keys", "status": 403})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    assert_eq!(world.status(&started).await, "permission_required");
    world.live_on_schedule(Duration::hours(1)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_grant_that_came_before_we_asked_is_not_waited_for() {
    let world = World::new().await;
    world.change(json!({"payment": "direct"})).await;
    let client = world.make_client("tenant-1@nordlicht.example").await;
    world.client.order("permission", &json!({"client_id": client, "granted": true})).await.unwrap();
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    world.assert_promise_kept(&started).await;
    let history = world.record(&started).await["history"].to_string();
    assert!(!history.contains("permission_required"), "{history}");
}

#[tokio::test]
async fn a_hub_that_is_down_when_permission_comes_is_waited_out() {
    let world = World::new().await;
    let started = waiting(&world).await;
    world.break_routes(&["api_keys"], &json!({"status": 500})).await;
    grant(&world, &started).await;
    world.live_through(Duration::minutes(10)).await;
    assert_eq!(world.status(&started).await, "live");
    world.mend().await;
    world.live_through(Duration::minutes(15)).await;
    world.assert_promise_kept(&started).await;
}
