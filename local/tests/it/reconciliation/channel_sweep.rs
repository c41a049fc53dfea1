//! The channel sweep: all channels of the Hub are checked once a day, one page in each run of reconciliation.

use onboarding::ChannelId;
use serde_json::json;
use time::Duration;

use crate::support::TestBench;

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
    let mut told = Vec::new();
    for _ in 0..3 {
        for _ in 0..3 {
            let report = bench.reconcile().await;
            told.push(report.told);
            assert!(report.hub_calls <= 1, "{report:?}");
        }
        bench.live_through(DAY).await;
    }
    assert_eq!(told.iter().sum::<usize>(), 1, "{told:?}");
    assert_eq!(bench.calls_of("list_channels").await.len(), 2, "one page a day, none on the first");
    bench.live_through(Duration::days(91)).await;
    assert_eq!(bench.reconcile().await.told, 1, "it still costs money");
    bench.live_through(DAY).await;
    assert_eq!(bench.reconcile().await.told, 0);
}

#[tokio::test]
async fn a_key_that_is_gone_from_the_vault_is_reported_and_left_alone() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(DAY).await;
    let channel = bench.channel_of(&started).await;
    bench.stack.twins.vault.remove(&channel).unwrap();
    bench.reconcile().await;
    bench.live_through(DAY).await;
    let told: Vec<usize> = [bench.reconcile().await.told, bench.reconcile().await.told].into();
    assert_eq!(told, [1, 0]);
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
    bench.live_through(Duration::hours(4)).await;
    assert_eq!(bench.reconcile().await.found_live, 0, "two pages of the newest do not hold it");
    assert_eq!(bench.status(&started).await, "submitted");
    bench.live_through(DAY).await;
    let before = bench.calls_of("list_channels").await.len();
    let mut runs = 0;
    while bench.status(&started).await == "submitted" {
        bench.live_on_schedule(Duration::minutes(5)).await;
        runs += 1;
        assert!(runs <= 4, "a page with each run");
    }
    bench.settle().await;
    assert_eq!(bench.status(&started).await, "ready");
    assert!(
        bench.calls_of("list_channels").await.len() - before <= 3 * runs,
        "one page of the sweep, two of the newest"
    );
}

#[tokio::test]
async fn a_channel_sweep_that_the_hub_interrupts_resumes_where_it_was() {
    let bench = TestBench::new().await;
    let client_id = bench.make_client("other@nordlicht.example").await;
    bench.other_channel(&client_id, "one_number:other").await;
    bench.live_through(Duration::minutes(1)).await;
    bench.reconcile().await;
    bench.live_through(DAY).await;
    for fault in [json!({"status": 500}), json!({"status": 401}), json!({"drop": true}), json!({"status": 429})] {
        let mut fault = fault;
        fault["route"] = json!("list_channels");
        bench.fault(fault).await;
        let report = bench.reconcile().await;
        assert_eq!((report.hub_calls, report.told), (1, 0));
        bench.live_through(Duration::minutes(5)).await;
    }
    assert_eq!(bench.reconcile().await.told, 1);
}
