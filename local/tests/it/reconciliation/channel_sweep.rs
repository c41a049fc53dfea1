//! The daily sweep of the Hub's channels, one page with each permit.

use onboarding::ChannelId;
use serde_json::json;
use time::Duration;

use crate::support::TestBench;
use crate::support::log_scan::LogScan;

impl TestBench {
    /// Hands a number of the same solution over to the Hub, as another system of the partner would.
    async fn other_channel(&self, client_id: &str, account: &str) {
        let popup = self.client.popup(account, "finish").await.unwrap();
        let ids = &popup["session"]["data"];
        let body = json!({
            "solution_id": simulator::Settings::default().solution_id,
            "client_id": client_id,
            "waba_external_id": ids["waba_id"],
            "channel_external_id": ids["phone_number_id"],
        });
        self.post_to_hub("account_sharing/numbers", &body).await;
    }

    /// How often the log said this of a channel of this bench.
    async fn told(&self, text: &str) -> usize {
        let ledger = self.client.ledger().await.unwrap();
        let channels = ledger["channels"].as_array().unwrap().iter();
        let channels: Vec<String> = channels.map(|channel| channel["id"].as_str().unwrap().to_owned()).collect();
        LogScan::warnings(text, &channels).len()
    }

    async fn channel_of(&self, started: &local::client::Started) -> ChannelId {
        self.record(started).await["channel_id"].as_str().unwrap().parse().unwrap()
    }
}

/// The day passes, and no other.
const DAY: Duration = Duration::hours(25);

#[tokio::test]
async fn an_unknown_live_channel_is_reported_once() {
    let bench = TestBench::new().await;
    let client_id = bench.make_client("other@nordlicht.example").await;
    let known = bench.signed_up("tenant-1", "one_number").await;
    bench.other_channel(&client_id, "one_number:other").await;
    bench.live_through(DAY).await;
    assert_eq!(bench.status(&known).await, "ready");
    bench.reconcile().await;
    assert_eq!(bench.told("a live channel that no onboarding knows").await, 0, "not on the first day");
    for _ in 0..3 {
        bench.live_through(DAY).await;
        bench.reconcile().await;
    }
    assert_eq!(bench.told("a live channel that no onboarding knows").await, 1);
    assert_eq!(
        bench.calls_of("list_channels").await.len(),
        5,
        "one page a day, and one question for each live channel"
    );
    bench.live_through(Duration::days(91)).await;
    assert_eq!(bench.told("a live channel that no onboarding knows").await, 2, "it still costs money");
    bench.live_through(DAY).await;
    assert_eq!(bench.told("a live channel that no onboarding knows").await, 2);
}

#[tokio::test]
async fn a_key_that_is_gone_from_the_vault_is_reported_and_left_alone() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(DAY).await;
    let channel = bench.channel_of(&started).await;
    bench.stack.twins.vault.remove(&channel).unwrap();
    bench.reconcile().await;
    bench.live_through(DAY * 3).await;
    assert_eq!(bench.told("the vault no longer holds the key").await, 1);
    assert_eq!(bench.status(&started).await, "ready", "a copy of the key goes on working");
    assert_eq!(bench.valid_keys().await, 1);
}

#[tokio::test]
async fn a_live_channel_far_behind_the_newest_is_found() {
    let bench = TestBench::unlimited().await;
    bench.faults(json!({"route": "webhook", "lose": true, "times": 1_000_000})).await;
    bench.change(json!({"live_after_ms": 3 * 3_600_000})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.settle().await;
    bench.pass(Duration::SECOND);
    let client_id = bench.make_client("other@nordlicht.example").await;
    for number in 0..401 {
        bench.other_channel(&client_id, &format!("one_number:{number}")).await;
    }
    bench.reconcile().await;
    bench.live_through(Duration::hours(4)).await;
    assert_eq!(bench.status(&started).await, "submitted", "the newest page does not hold it");
    let before = bench.calls_of("list_channels").await.len();
    bench.live_through(DAY).await;
    assert_eq!(bench.status(&started).await, "ready");
    let calls = bench.calls_of("list_channels").await.len() - before;
    assert!(calls <= 3 + 8, "three pages of the sweep, and a look every three hours: {calls}");
}

#[tokio::test]
async fn a_channel_sweep_that_the_hub_interrupts_resumes_where_it_was() {
    let bench = TestBench::new().await;
    let client_id = bench.make_client("other@nordlicht.example").await;
    bench.other_channel(&client_id, "one_number:other").await;
    bench.live_through(Duration::minutes(1)).await;
    bench.reconcile().await;
    let faults = [json!({"status": 500}), json!({"status": 401}), json!({"drop": true}), json!({"status": 429})];
    for mut fault in faults.clone() {
        fault["route"] = json!("list_channels");
        bench.fault(fault).await;
    }
    bench.live_through(DAY).await;
    assert_eq!(bench.calls_of("list_channels").await.len(), faults.len() + 1);
    assert_eq!(bench.told("a live channel that no onboarding knows").await, 1);
}
