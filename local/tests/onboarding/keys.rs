//! Whatever fails between Hub and vault: one valid key, and the vault holds it.

use local::Options;
use local::client::Started;
use onboarding::ChannelId;
use serde_json::json;
use time::Duration;

use crate::world::World;

/// An onboarding that waits at the message webhook: its key is made and stored.
async fn with_key(world: &World) -> (Started, ChannelId) {
    world.break_routes(&["set_message_webhook"], &json!({"status": 500})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    let record = world.record(&started).await;
    assert!(record["key"]["secret_arn"].is_string(), "{record:#}");
    assert_eq!(record["status"], "live");
    (started, record["channel_id"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_vault_that_fails_for_a_moment_costs_no_second_key() {
    let world = World::new().await;
    world.stack.world.vault.fail_next_stores(1);
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.count("keys").await, 1);
}

#[tokio::test]
async fn a_vault_that_fails_for_long_costs_keys_that_nobody_was_given() {
    let world = World::new().await;
    world.stack.world.vault.fail_next_stores(10);
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    let record = world.record(&started).await;
    assert_eq!((record["status"].as_str(), record["retry"]["step"].as_str()), (Some("live"), Some("key_creation")));
    world.live_through(Duration::minutes(2)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.count("keys").await, 3);
}

#[tokio::test]
async fn a_vault_that_cannot_be_read_makes_no_key_until_it_can() {
    let world = World::new().await;
    world.stack.world.vault.fail_next_finds(3);
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::minutes(2)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.count("keys").await, 1);
}

/// As after a crash between vault and table: the record knows of no key.
#[tokio::test]
async fn a_key_that_is_in_the_vault_already_is_taken_from_there() {
    let world = World::new().await;
    let (started, channel) = with_key(&world).await;
    assert!(world.stack.world.vault.keys().iter().any(|(id, _)| *id == channel));
    world.mend().await;
    world.live_through(Duration::minutes(2)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.count("keys").await, 1);
}

#[tokio::test]
async fn a_key_revoked_elsewhere_is_noticed_and_a_retry_makes_a_new_one() {
    let world = World::new().await;
    let (started, channel) = with_key(&world).await;
    let foreign = world.post_to_hub(&format!("channels/{channel}/api_keys"), &json!({})).await;
    world.mend().await;
    // At first a new key may just not work yet.
    world.live_through(Duration::minutes(5)).await;
    assert_eq!(world.status(&started).await, "live");
    world.live_through(Duration::minutes(30)).await;
    let record = world.record(&started).await;
    assert_eq!((record["status"].as_str(), record["problem"]["code"].as_str()), (Some("failed"), Some("key_refused")));
    let detail = record["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains(channel.as_str()) && detail.contains("elsewhere"), "{detail}");
    assert_eq!(world.setup_view(&started).await.body["problem"]["code"], "key_refused");
    // Whoever made the other key keeps it until somebody decides.
    assert_eq!((world.count("keys").await, world.valid_keys().await), (2, 1));

    assert_eq!(world.retry(&started).await.status, 202);
    world.live_through(Duration::minutes(1)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.count("keys").await, 3);
    assert_ne!(world.record(&started).await["key"]["key_id"], foreign["id"]);
}

#[tokio::test]
async fn a_key_removed_from_the_vault_is_noticed_and_a_retry_makes_a_new_one() {
    let world = World::new().await;
    let (started, channel) = with_key(&world).await;
    world.stack.world.vault.remove(&channel).unwrap();
    world.mend().await;
    world.live_through(Duration::minutes(1)).await;
    let record = world.record(&started).await;
    assert_eq!((record["status"].as_str(), record["problem"]["code"].as_str()), (Some("failed"), Some("key_refused")));
    assert_eq!(world.retry(&started).await.status, 202);
    world.live_through(Duration::minutes(1)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn the_message_webhook_is_set_with_its_headers_before_the_onboarding_is_ready() {
    let world = World::new().await;
    let (started, channel) = with_key(&world).await;
    assert_eq!(world.client.ledger().await.unwrap()["message_webhooks"], json!({}));
    world.mend().await;
    world.live_through(Duration::minutes(1)).await;
    world.assert_promise_kept(&started).await;
    let set = &world.client.ledger().await.unwrap()["message_webhooks"][channel.as_str()];
    assert_eq!(set["url"], "https://partner.example/whatsapp/messages");
    assert_eq!(set["headers"], json!({"x-message-token": "made-up-message-token"}));
}

#[tokio::test]
async fn a_key_is_not_sent_to_an_address_that_is_not_allowed() {
    a_forbidden_address_is_told(&World::new().await).await;
}

/// The partner's systems would send it there.
#[tokio::test]
async fn nor_is_it_given_to_the_partner_with_one() {
    let none = vec![("MESSAGE_WEBHOOK_URL".to_owned(), String::new())];
    let world = World::with(Options { variables: none, ..Options::default() }).await;
    a_forbidden_address_is_told(&world).await;
}

async fn a_forbidden_address_is_told(world: &World) {
    let answer =
        json!({"id": "kkkkAK", "address": "https://169.254.169.254/", "api_key": "made-up-key", "app_id": "8842AP"});
    world.fault(json!({"route": "api_keys", "status": 201, "body": answer})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    let problem = world.record(&started).await["problem"].clone();
    assert_eq!(
        (problem["code"].as_str(), problem["retryable"].as_bool()),
        (Some("messaging_address_forbidden"), Some(true))
    );
    assert_eq!(world.calls_of("set_message_webhook").await.len(), 0);
}
