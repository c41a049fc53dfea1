//! What never came, vanished or died is found again, and costs a bounded number of Hub calls.

use queue::Worker;
use serde_json::{Value, json};
use store::LeaseOutcome;
use time::Duration;

use crate::hub_orders::SCHEDULE;
use crate::world::World;

/// All webhooks are lost from now on.
async fn lose_webhooks(world: &World) {
    world.fault(json!({"route": "webhook", "lose": true, "times": 1_000_000})).await;
}

/// Loses every message that waits, as no queue should.
fn lose_messages(world: &World) -> usize {
    let queue = &world.stack.world.queue;
    let messages = Worker::ALL.into_iter().flat_map(|worker| queue.receive(worker, usize::MAX));
    messages.filter(|message| queue.delete(&message.receipt)).count()
}

#[tokio::test]
async fn webhooks_that_never_come_are_made_up_for_by_one_poll_for_all() {
    let world = World::unlimited().await;
    lose_webhooks(&world).await;
    let mut all = Vec::new();
    for number in 0..25 {
        all.push(world.signed_up(&format!("tenant-{number}"), &format!("one_number:{number}")).await);
    }
    world.live_through(Duration::minutes(14)).await;
    assert_eq!(world.reconcile().await.hub_calls, 0, "the webhooks may still come");
    world.live_through(Duration::minutes(2)).await;
    let report = world.reconcile().await;
    assert_eq!((report.hub_calls, report.found_live), (1, 25), "{report:?}");
    world.settle().await;
    for started in &all {
        assert_eq!(world.status(started).await, "ready");
    }
    assert_eq!(world.valid_keys().await, 25);
    assert_eq!(world.hub_calls().await.len(), 25 * 4 + 1);
    assert_eq!(world.reconcile().await, workflow::Reconciled::default());
}

#[tokio::test]
async fn a_channel_that_goes_live_late_is_polled_for_ever_more_rarely() {
    let world = World::new().await;
    lose_webhooks(&world).await;
    world.change(json!({"live_after_ms": 48 * 3_600_000})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_on_schedule(Duration::hours(47)).await;
    assert_eq!(world.status(&started).await, "ready", "a channel that is running is as good as live");
    let polls = world.calls_of("list_channels").await.len();
    assert!((8..=24).contains(&polls), "{polls} polls");
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_poll_that_fails_is_made_again_by_the_next_run() {
    for fault in [json!({"status": 500}), json!({"status": 401}), json!({"drop": true}), json!({"body": "<html>"})] {
        let world = World::new().await;
        lose_webhooks(&world).await;
        let mut fault = fault;
        fault["route"] = json!("list_channels");
        world.fault(fault.clone()).await;
        let started = world.signed_up("tenant-1", "one_number").await;
        world.live_through(Duration::minutes(16)).await;
        let report = world.reconcile().await;
        assert_eq!((report.hub_calls, report.found_live), (1, 0), "{fault}");
        world.live_through(SCHEDULE).await;
        assert_eq!(world.reconcile().await.found_live, 1, "{fault}");
        world.settle().await;
        world.assert_promise_kept(&started).await;
    }
}

/// Wherever messages can vanish, some do: each bit of `vanish` says it of one moment in which messages wait.
#[tokio::test]
async fn messages_that_vanish_are_sent_again() {
    for vanish in 1..16u32 {
        let world = World::new().await;
        let started = world.signed_up("tenant-1", "one_number").await;
        let mut moments = (0..).map(|bit| vanish >> bit.min(31) & 1 == 1);
        for _ in 0..40 {
            world.stack.simulator.run_due().await;
            let queue = &world.stack.world.queue;
            let waiting = Worker::ALL.into_iter().filter_map(|worker| queue.next_due(worker));
            if waiting.min().is_none_or(|due| due > world.now()) {
                world.pass(SCHEDULE);
                world.reconcile().await;
            } else if moments.next() == Some(true) {
                lose_messages(&world);
            } else {
                world.settle().await;
            }
        }
        assert_eq!(world.status(&started).await, "ready", "{vanish:b}");
        world.assert_promise_kept(&started).await;
        assert_eq!(world.count("keys").await, 1);
    }
}

#[tokio::test]
async fn messages_that_vanish_at_the_last_step_are_sent_again() {
    let world = World::new().await;
    world.fault(json!({"route": "api_keys", "status": 500})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(1)).await;
    assert_eq!(world.status(&started).await, "live");
    world.pass(Duration::minutes(1));
    assert!(lose_messages(&world) > 0);
    world.live_on_schedule(Duration::minutes(25)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_webhook_whose_message_vanished_is_taken_from_the_inbox() {
    let world = World::new().await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.settle().await;
    world.pass(Duration::seconds(1));
    world.stack.simulator.run_due().await;
    assert!(lose_messages(&world) > 0);
    assert_eq!(world.status(&started).await, "submitted");
    world.live_through(Duration::minutes(11)).await;
    let report = world.reconcile().await;
    assert!(report.webhooks > 0 && report.hub_calls == 0, "{report:?}");
    world.settle().await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_dead_worker_blocks_its_onboarding_no_longer_than_its_lease() {
    let world = World::new().await;
    let started = world.client.start("tenant-1").await.unwrap();
    let id = started.id.parse().unwrap();
    let lease = Duration::seconds(90);
    let taken = world.stack.world.store.lease(&id, lease).await.unwrap();
    assert!(matches!(taken, LeaseOutcome::Taken(..)));
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(world.client.es_callback(&started, &popup).await.unwrap().status, 200, "the customer is not held up");
    world.live_through(lease - Duration::SECOND).await;
    assert_eq!((world.status(&started).await.as_str(), world.hub_calls().await.len()), ("signed_up", 0));
    world.live_through(Duration::seconds(10)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.hub_calls().await.len(), 4);
}

#[tokio::test]
async fn a_link_that_runs_out_ends_the_onboarding() {
    let world = World::new().await;
    let started = world.client.start("tenant-1").await.unwrap();
    let choosing = world.signed_up("tenant-2", "several_numbers").await;
    world.live_on_schedule(Duration::hours(1)).await;
    world.pass(Duration::days(7) - Duration::hours(2));
    world.live_on_schedule(Duration::hours(1) - SCHEDULE).await;
    assert_eq!(world.status(&started).await, "started");
    assert_eq!(world.status(&choosing).await, "number_choice");
    world.live_on_schedule(SCHEDULE * 2).await;

    for onboarding in [&started, &choosing] {
        assert_eq!(world.status(onboarding).await, "expired");
        let view = world.setup_view(onboarding).await;
        assert_eq!((view.status, view.body["code"].as_str()), (410, Some("link_expired")));
        assert_eq!(world.retry(onboarding).await.status, 409);
    }
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    let answer = world.client.es_callback(&started, &popup).await.unwrap();
    assert_eq!((answer.status, answer.body["code"].as_str()), (410, Some("link_expired")));
    let list = world.client.get("/v1/onboardings?status=expired", local::settings::BACKEND_TOKEN).await.unwrap();
    let ids: Vec<&Value> = list.body["onboardings"].as_array().unwrap().iter().map(|found| &found["id"]).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&&json!(started.id)) && ids.contains(&&json!(choosing.id)), "{ids:?}");
    world.assert_nothing_left();
    assert_eq!(world.reconcile().await, workflow::Reconciled::default());
}

#[tokio::test]
async fn a_signup_in_time_is_finished_after_the_link_has_run_out() {
    let world = World::new().await;
    let started = world.client.start("tenant-1").await.unwrap();
    world.settle().await;
    world.pass(Duration::days(7) - SCHEDULE * 2);
    world.break_routes(&["numbers"], &json!({"status": 500})).await;
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(world.client.es_callback(&started, &popup).await.unwrap().status, 200);
    world.live_on_schedule(Duration::hours(1)).await;
    assert_eq!(world.status(&started).await, "signed_up");
    world.mend().await;
    world.live_on_schedule(Duration::hours(1)).await;
    world.assert_promise_kept(&started).await;
}
