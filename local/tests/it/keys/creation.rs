//! Whatever fails between the Hub and the vault: one key is valid, and the vault holds it.

use local::Options;
use local::client::Started;
use onboarding::ChannelId;
use serde_json::json;
use time::Duration;

use crate::support::TestBench;

/// An onboarding that waits at the message webhook: its key is made and stored.
async fn with_key(bench: &TestBench) -> (Started, ChannelId) {
    bench.break_routes(&["set_message_webhook"], &json!({"status": 500})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    let record = bench.record(&started).await;
    assert!(record["key"]["secret_arn"].is_string(), "{record:#}");
    assert_eq!(record["status"], "live");
    (started, record["channel_id"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_vault_that_fails_for_a_moment_costs_no_second_key() {
    let bench = TestBench::new().await;
    bench.stack.twins.vault.fail_next_stores(1);
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.count("keys").await, 1);
}

#[tokio::test]
async fn a_vault_that_fails_for_long_costs_keys_that_are_never_handed_out() {
    let bench = TestBench::new().await;
    bench.stack.twins.vault.fail_next_stores(10);
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    let record = bench.record(&started).await;
    assert_eq!((record["status"].as_str(), record["retry"]["step"].as_str()), (Some("live"), Some("key_creation")));
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.count("keys").await, 3);
}

#[tokio::test]
async fn a_vault_that_cannot_be_read_makes_no_key_until_it_can() {
    let bench = TestBench::new().await;
    bench.stack.twins.vault.fail_next_finds(3);
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.count("keys").await, 1);
}

/// As after a crash between vault and table: the record knows of no key.
#[tokio::test]
async fn a_key_that_is_in_the_vault_already_is_taken_from_there() {
    let bench = TestBench::new().await;
    let (started, channel) = with_key(&bench).await;
    assert!(bench.stack.twins.vault.keys().iter().any(|(id, _)| *id == channel));
    bench.mend().await;
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.count("keys").await, 1);
}

#[tokio::test]
async fn a_key_revoked_elsewhere_is_noticed_and_a_retry_makes_a_new_one() {
    let bench = TestBench::new().await;
    let (started, channel) = with_key(&bench).await;
    bench.pass(Duration::seconds(31));
    let foreign = bench.post_to_hub(&format!("channels/{channel}/api_keys"), &json!({})).await;
    bench.mend().await;
    // At first a new key may just not work yet.
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.status(&started).await, "live");
    bench.live_through(Duration::HOUR).await;
    let record = bench.record(&started).await;
    assert_eq!((record["status"].as_str(), record["problem"]["code"].as_str()), (Some("failed"), Some("key_refused")));
    let detail = record["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains(channel.as_str()) && detail.contains("elsewhere"), "{detail}");
    assert_eq!(bench.setup_view(&started).await.body["problem"]["code"], "key_refused");
    // The other key stays valid until an operator decides.
    assert_eq!((bench.count("keys").await, bench.valid_keys().await), (2, 1));

    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.count("keys").await, 3);
    assert_ne!(bench.record(&started).await["key"]["key_id"], foreign["id"]);
}

#[tokio::test]
async fn a_key_removed_from_the_vault_is_noticed_and_a_retry_makes_a_new_one() {
    let bench = TestBench::new().await;
    let (started, channel) = with_key(&bench).await;
    bench.stack.twins.vault.remove(&channel).unwrap();
    bench.mend().await;
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.record(&started).await;
    assert_eq!((record["status"].as_str(), record["problem"]["code"].as_str()), (Some("failed"), Some("key_refused")));
    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn the_message_webhook_is_set_with_its_headers_before_the_onboarding_is_ready() {
    let bench = TestBench::new().await;
    let (started, channel) = with_key(&bench).await;
    assert_eq!(bench.client.ledger().await.unwrap()["message_webhooks"], json!({}));
    bench.mend().await;
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
    let set = &bench.client.ledger().await.unwrap()["message_webhooks"][channel.as_str()];
    assert_eq!(set["url"], "https://partner.example/whatsapp/messages");
    assert_eq!(set["headers"], json!({"x-message-token": "made-up-message-token"}));
}

#[tokio::test]
async fn a_key_is_not_sent_to_a_forbidden_address() {
    a_forbidden_address_is_told(&TestBench::new().await).await;
}

/// The partner's systems would send it there.
#[tokio::test]
async fn a_forbidden_address_fails_even_without_a_message_webhook() {
    let none = vec![("MESSAGE_WEBHOOK_URL".to_owned(), String::new())];
    let bench = TestBench::with(Options { variables: none, ..Options::default() }).await;
    a_forbidden_address_is_told(&bench).await;
}

async fn a_forbidden_address_is_told(bench: &TestBench) {
    let answer =
        json!({"id": "kkkkAK", "address": "https://169.254.169.254/", "api_key": "made-up-key", "app_id": "8842AP"});
    bench.fault(json!({"route": "api_keys", "status": 201, "body": answer})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    let problem = bench.record(&started).await["problem"].clone();
    assert_eq!(
        (problem["code"].as_str(), problem["retryable"].as_bool()),
        (Some("messaging_address_forbidden"), Some(true))
    );
    assert_eq!(bench.calls_of("set_message_webhook").await.len(), 0);
}
