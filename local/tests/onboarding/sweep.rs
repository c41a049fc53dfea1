//! Once a day all of the Hub's channels are gone through, a page with each run of reconciliation.

use onboarding::ChannelId;
use serde_json::json;
use time::Duration;

use crate::world::World;

impl World {
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
async fn a_live_channel_that_nobody_knows_is_told_of_once() {
    let world = World::new().await;
    let client_id = world.make_client("other@nordlicht.example").await;
    let known = world.signed_up("tenant-1", "one_number").await;
    world.other_channel(&client_id, "one_number:other").await;
    world.live_through(DAY).await;
    assert_eq!(world.status(&known).await, "ready");
    let mut told = Vec::new();
    for _ in 0..3 {
        for _ in 0..3 {
            let report = world.reconcile().await;
            told.push(report.told);
            assert!(report.hub_calls <= 1, "{report:?}");
        }
        world.live_through(DAY).await;
    }
    assert_eq!(told.iter().sum::<usize>(), 1, "{told:?}");
    assert_eq!(world.calls_of("list_channels").await.len(), 2, "one page a day, none on the first");
    world.live_through(Duration::days(91)).await;
    assert_eq!(world.reconcile().await.told, 1, "it still costs money");
    world.live_through(DAY).await;
    assert_eq!(world.reconcile().await.told, 0);
}

#[tokio::test]
async fn a_key_that_is_gone_from_the_vault_is_told_of_and_left_alone() {
    let world = World::new().await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(DAY).await;
    let channel = world.channel_of(&started).await;
    world.stack.world.vault.remove(&channel).unwrap();
    world.reconcile().await;
    world.live_through(DAY).await;
    let told: Vec<usize> = [world.reconcile().await.told, world.reconcile().await.told].into();
    assert_eq!(told, [1, 0]);
    assert_eq!(world.status(&started).await, "ready", "whoever has a copy of the key goes on with it");
    assert_eq!(world.valid_keys().await, 1);
}

#[tokio::test]
async fn a_live_channel_far_behind_the_newest_is_found() {
    let world = World::unlimited().await;
    world.faults(json!({"route": "webhook", "lose": true, "times": 1_000_000})).await;
    world.change(json!({"live_after_ms": 3 * 3_600_000})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.settle().await;
    world.pass(Duration::SECOND);
    let client_id = world.make_client("other@nordlicht.example").await;
    for number in 0..401 {
        world.other_channel(&client_id, &format!("one_number:{number}")).await;
    }
    world.live_through(Duration::hours(4)).await;
    assert_eq!(world.reconcile().await.found_live, 0, "two pages of the newest do not hold it");
    assert_eq!(world.status(&started).await, "submitted");
    world.live_through(DAY).await;
    let before = world.calls_of("list_channels").await.len();
    let mut runs = 0;
    while world.status(&started).await == "submitted" {
        world.live_on_schedule(Duration::minutes(5)).await;
        runs += 1;
        assert!(runs <= 4, "a page with each run");
    }
    world.settle().await;
    assert_eq!(world.status(&started).await, "ready");
    assert!(
        world.calls_of("list_channels").await.len() - before <= 3 * runs,
        "one page of the sweep, two of the newest"
    );
}

#[tokio::test]
async fn a_sweep_that_the_hub_interrupts_goes_on_where_it_was() {
    let world = World::new().await;
    let client_id = world.make_client("other@nordlicht.example").await;
    world.other_channel(&client_id, "one_number:other").await;
    world.live_through(Duration::minutes(1)).await;
    world.reconcile().await;
    world.live_through(DAY).await;
    for fault in [json!({"status": 500}), json!({"status": 401}), json!({"drop": true}), json!({"status": 429})] {
        let mut fault = fault;
        fault["route"] = json!("list_channels");
        world.fault(fault).await;
        let report = world.reconcile().await;
        assert_eq!((report.hub_calls, report.told), (1, 0));
        world.live_through(Duration::minutes(5)).await;
    }
    assert_eq!(world.reconcile().await.told, 1);
}
