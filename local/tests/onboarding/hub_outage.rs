//! The Hub is down for long, or refuses our credentials: nobody fails who could still finish, and customers do not notice.

use local::client::Started;
use partner_hub::HubCredentials;
use secrecy::SecretString;
use secrets::{BundleSecret, Secrets};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::hub_orders::HUB_ROUTES;
use crate::world::World;

/// After the longest back-off and the limit's line.
const RECOVERY: Duration = Duration::minutes(20);

async fn assert_all_ready(world: &World, all: &[Started]) {
    for started in all {
        let record = world.record(started).await;
        assert_eq!(record["status"], "ready", "{record:#}");
        assert_eq!(record["retry"], Value::Null);
    }
    assert_eq!(world.count("clients").await, all.len());
    assert_eq!(world.count("channels").await, all.len());
    assert_eq!(world.valid_keys().await, all.len());
    let keys = world.stack.world.vault.keys();
    assert_eq!(keys.len(), all.len());
    for (_, key) in keys {
        assert!(world.client.key_works(&key).await.unwrap());
    }
    world.assert_nothing_left();
}

#[tokio::test]
async fn six_hours_without_a_hub_are_waited_out() {
    let world = World::new().await;
    // One has come as far as the number, one only starts, and one signs up while nothing works.
    let submitted = world.signed_up("tenant-1", "one_number:1").await;
    world.settle().await;
    world.break_routes(&HUB_ROUTES, &json!({"status": 503})).await;
    let before = world.client.start("tenant-2").await.unwrap();
    world.live_on_schedule(Duration::hours(3)).await;
    let during = world.signed_up("tenant-3", "one_number:3").await;
    world.live_on_schedule(Duration::hours(3)).await;
    for (started, status) in [(&submitted, "live"), (&before, "started"), (&during, "signed_up")] {
        let record = world.record(started).await;
        assert_eq!(record["status"], status);
        assert!(record["retry"]["tries"].as_u64().unwrap() > 5, "{:#}", record["retry"]);
    }

    world.mend().await;
    let popup = world.client.popup("one_number:2", "finish").await.unwrap();
    assert_eq!(world.client.es_callback(&before, &popup).await.unwrap().status, 200);
    world.live_on_schedule(RECOVERY).await;
    assert_all_ready(&world, &[submitted, before, during]).await;
}

#[tokio::test]
async fn after_three_days_a_step_is_given_up_and_a_retry_finishes_it() {
    for (route, step, how) in [
        ("list_clients", "client_account", json!({"status": 500})),
        ("numbers", "number_submission", json!({"drop": true})),
        ("api_keys", "key_creation", json!({"status": 429})),
    ] {
        let world = World::new().await;
        world.break_routes(&[route], &how).await;
        let started = world.signed_up("tenant-1", "one_number").await;
        world.live_through(Duration::hours(2)).await;
        // From seconds to a quarter of an hour apart.
        let tries = world.calls_of(route).await.len();
        assert!((12..=26).contains(&tries), "{route}: {tries} tries");
        world.pass(Duration::hours(69));
        world.live_through(Duration::minutes(45)).await;
        assert_ne!(world.status(&started).await, "failed");
        world.live_through(Duration::hours(1)).await;

        let record = world.record(&started).await;
        assert_eq!(record["status"], "failed", "{record:#}");
        let problem = &record["problem"];
        assert_eq!((problem["step"].as_str(), problem["code"].as_str()), (Some(step), Some("gave_up")));
        assert_eq!(problem["retryable"], true);
        assert!(problem["detail"].as_str().unwrap().starts_with("Given up after 72 hours"), "{problem}");
        assert_eq!(world.setup_view(&started).await.body["problem"]["code"], "gave_up");

        world.mend().await;
        assert_eq!(world.retry(&started).await.status, 202);
        world.live_through(Duration::minutes(1)).await;
        world.assert_promise_kept(&started).await;
    }
}

/// The bundle's secret with another key for the Hub.
fn with_hub_key(secret: &BundleSecret, key: &str) -> BundleSecret {
    BundleSecret { hub: HubCredentials::ApiKey(SecretString::from(key)), ..secret.clone() }
}

#[tokio::test]
async fn refused_credentials_fail_nobody_and_when_they_are_mended_all_finish() {
    let world = World::new().await;
    let secrets = &world.stack.world.secrets;
    let good = secrets.bundle().await.unwrap();
    let far = world.signed_up("tenant-1", "one_number:1").await;
    world.settle().await;
    secrets.rotate(with_hub_key(&good, "not-the-key"));
    secrets.refresh().await.unwrap();
    let near = world.signed_up("tenant-2", "one_number:2").await;
    let started = world.client.start("tenant-3").await.unwrap();

    // Longer than a step is tried.
    world.live_on_schedule(Duration::hours(2)).await;
    world.pass(Duration::hours(76));
    world.live_on_schedule(Duration::hours(1)).await;
    for (onboarding, status) in [(&far, "live"), (&near, "signed_up"), (&started, "started")] {
        let record = world.record(onboarding).await;
        assert_eq!(record["status"], status, "{record:#}");
        assert!(record["retry"]["error"].as_str().unwrap().contains("credentials"), "{:#}", record["retry"]);
        let next_at = OffsetDateTime::parse(record["retry"]["next_at"].as_str().unwrap(), &Rfc3339).unwrap();
        assert!(next_at - world.now() <= Duration::minutes(15));
    }

    let popup = world.client.popup("one_number:3", "finish").await.unwrap();
    assert_eq!(world.client.es_callback(&started, &popup).await.unwrap().status, 200);
    secrets.rotate((*good).clone());
    world.live_on_schedule(RECOVERY * 2).await;
    assert_all_ready(&world, &[far, near, started]).await;
}

#[tokio::test]
async fn time_spent_waiting_for_the_operator_does_not_count_towards_giving_up() {
    let world = World::new().await;
    world.break_routes(&["numbers"], &json!({"status": 500})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_on_schedule(Duration::hours(1)).await;
    world.mend().await;
    world.break_routes(&["numbers"], &json!({"status": 401})).await;
    world.live_through(Duration::hours(1)).await;
    world.pass(Duration::hours(80));
    world.live_through(Duration::minutes(30)).await;
    world.mend().await;
    world.fault(json!({"route": "numbers", "status": 500})).await;
    world.live_on_schedule(Duration::hours(1)).await;
    world.assert_promise_kept(&started).await;
}
