//! Lost webhooks, lost messages and dead workers: what is due is sent for again, with a bounded number of Hub calls.

use queue::{QueueName, Step};
use serde_json::{Value, json};
use store::WorkKey;
use time::Duration;

use crate::support::TestBench;
use crate::support::fakes::SCHEDULE;

/// All webhooks are lost from now on.
async fn lose_webhooks(bench: &TestBench) {
    bench.fault(json!({"route": "webhook", "lose": true, "times": 1_000_000})).await;
}

/// Loses every message that waits, as no queue should.
fn lose_messages(bench: &TestBench) -> usize {
    let queue = &bench.stack.twins.queue;
    let messages = QueueName::all().flat_map(|name| queue.receive(name, usize::MAX));
    messages.filter(|message| queue.delete(&message.receipt)).count()
}

#[tokio::test]
async fn webhooks_that_never_come_are_replaced_by_a_few_looks_for_all_onboardings() {
    let bench = TestBench::unlimited().await;
    lose_webhooks(&bench).await;
    let mut all = Vec::new();
    for number in 0..25 {
        all.push(bench.signed_up(&format!("tenant-{number}"), &format!("one_number:{number}")).await);
    }
    bench.live_through(Duration::minutes(3)).await;
    assert_eq!(bench.calls_of("list_channels").await.len(), 0, "the webhooks may still come");
    bench.live_through(Duration::minutes(20)).await;
    for started in &all {
        assert_eq!(bench.status(started).await, "ready");
    }
    assert_eq!(bench.valid_keys().await, 25);
    let looks = bench.calls_of("list_channels").await.len();
    assert!((1..=5).contains(&looks), "{looks} looks, of which each finds all that are live");
    assert_eq!(bench.hub_calls().await.len(), 25 * 4 + looks);
    assert_eq!(bench.reconcile().await, workflow::Reconciled::default());
}

#[tokio::test]
async fn a_channel_that_goes_live_late_is_polled_less_and_less_often() {
    let bench = TestBench::new().await;
    lose_webhooks(&bench).await;
    bench.change(json!({"live_after_ms": 72 * 3_600_000})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::hours(24)).await;
    let polls = bench.calls_of("list_channels").await.len();
    assert!((12..=13).contains(&polls), "{polls} polls in a day");
    bench.live_on_schedule(Duration::hours(38)).await;
    assert_eq!(bench.status(&started).await, "ready", "a channel that is running is as good as live");
    let polls = bench.calls_of("list_channels").await.len() - polls;
    // Two of them are the daily sweep.
    assert!((5..=6).contains(&polls), "{polls} polls once it was overdue");
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_look_that_failed_is_repeated() {
    for fault in [json!({"status": 500}), json!({"status": 401}), json!({"drop": true}), json!({"body": "<html>"})] {
        let bench = TestBench::new().await;
        lose_webhooks(&bench).await;
        let mut fault = fault;
        fault["route"] = json!("list_channels");
        bench.fault(fault.clone()).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::minutes(20)).await;
        assert_eq!(bench.calls_of("list_channels").await.len(), 2, "{fault}");
        bench.assert_promise_kept(&started).await;
    }
}

/// Wherever messages can vanish, some do: each bit of `vanish` says it of one moment in which messages wait.
#[tokio::test]
async fn messages_lost_at_any_step_are_sent_again() {
    for vanish in 1..16u32 {
        let bench = TestBench::new().await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        let mut moments = (0..).map(|bit| vanish >> bit.min(31) & 1 == 1);
        for _ in 0..40 {
            bench.stack.simulator.run_due().await;
            bench.stack.wake().await;
            let queue = &bench.stack.twins.queue;
            let waiting = QueueName::all().filter_map(|name| queue.next_due(name));
            if waiting.min().is_none_or(|due| due > bench.now()) {
                bench.pass(Duration::minutes(1));
                bench.stack.look().await;
            } else if moments.next() == Some(true) {
                lose_messages(&bench);
            } else {
                bench.stack.deliver().await;
            }
        }
        assert_eq!(bench.status(&started).await, "ready", "{vanish:b}");
        bench.assert_promise_kept(&started).await;
        assert_eq!(bench.count("keys").await, 1);
    }
}

#[tokio::test]
async fn messages_lost_at_the_last_step_are_sent_again() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "api_keys", "status": 500})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(1)).await;
    assert_eq!(bench.status(&started).await, "live");
    bench.pass(Duration::minutes(1));
    bench.stack.look().await;
    assert!(lose_messages(&bench) > 0);
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_worker_that_died_blocks_its_onboarding_for_a_minute() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.stack.wake().await;
    let queue = &bench.stack.twins.queue;
    let [message] = &queue.receive(Step::ClientAccount, 10)[..] else { panic!("no message, or several") };
    let task = queue::Task::from_body(&message.body).unwrap();
    let key = WorkKey::Onboarding(started.id.parse().unwrap());
    assert!(bench.stack.twins.store.redeem(&key, &task.permit, task.class).await.unwrap());
    queue.delete(&message.receipt);

    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.client.es_callback(&started, &popup).await.unwrap().status, 200, "the customer is not held up");
    bench.live_through(onboarding::HOLD - Duration::SECOND).await;
    assert_eq!((bench.status(&started).await.as_str(), bench.hub_calls().await.len()), ("signed_up", 0));
    bench.live_through(Duration::seconds(10)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.hub_calls().await.len(), 5);
}

#[tokio::test]
async fn an_expired_setup_link_ends_the_onboarding() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let choosing = bench.signed_up("tenant-2", "several_numbers").await;
    bench.live_on_schedule(Duration::hours(1)).await;
    bench.pass(Duration::days(7) - Duration::hours(2));
    bench.live_on_schedule(Duration::hours(1) - SCHEDULE).await;
    assert_eq!(bench.status(&started).await, "started");
    assert_eq!(bench.status(&choosing).await, "number_choice");
    bench.live_on_schedule(SCHEDULE * 2).await;

    for onboarding in [&started, &choosing] {
        assert_eq!(bench.status(onboarding).await, "expired");
        let view = bench.setup_view(onboarding).await;
        assert_eq!((view.status, view.body["code"].as_str()), (410, Some("link_expired")));
        assert_eq!(bench.retry(onboarding).await.status, 409);
    }
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let answer = bench.client.es_callback(&started, &popup).await.unwrap();
    assert_eq!((answer.status, answer.body["code"].as_str()), (410, Some("link_expired")));
    let list = bench.client.get("/v1/onboardings?status=expired", local::settings::BACKEND_TOKEN).await.unwrap();
    let ids: Vec<&Value> = list.body["onboardings"].as_array().unwrap().iter().map(|found| &found["id"]).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&&json!(started.id)) && ids.contains(&&json!(choosing.id)), "{ids:?}");
    bench.assert_nothing_left();
    assert_eq!(bench.reconcile().await, workflow::Reconciled::default());
}

#[tokio::test]
async fn a_signup_in_time_is_finished_after_the_setup_link_has_expired() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    bench.pass(Duration::days(7) - SCHEDULE * 2);
    bench.break_routes(&["numbers"], &json!({"status": 500})).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.client.es_callback(&started, &popup).await.unwrap().status, 200);
    bench.live_on_schedule(Duration::hours(1)).await;
    assert_eq!(bench.status(&started).await, "signed_up");
    bench.mend().await;
    bench.live_on_schedule(Duration::hours(1)).await;
    bench.assert_promise_kept(&started).await;
}
