//! Messages that no worker can process become dead letters, and their onboardings go on without them.

use queue::{QueueName, Step};
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn a_poison_message_becomes_a_dead_letter_and_stops_no_onboarding() {
    let poison = [
        "",
        "not json",
        "[]",
        r#"{"v":2,"kind":"make_coffee"}"#,
        r#"{"v":2,"kind":"onboarding","onboarding_id":"onb_1","permit":"p","class":"key"}"#,
        r#"{"v":2,"kind":"inbox","inbox_key":"nobody","permit":"p","class":"key"}"#,
    ];
    let bench = TestBench::new().await;
    let queue = &bench.stack.twins.queue;
    for name in QueueName::all() {
        for body in poison {
            queue.send_text(name, body, Duration::ZERO);
        }
    }
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "ready");
    for name in QueueName::all() {
        let dead = queue.dead_letters(name);
        assert_eq!(dead.len(), poison.len(), "{name:?}: {dead:?}");
        assert!(queue.is_empty(name));
        // Sent back without a change, they end here again.
        assert_eq!(queue.redrive(name), poison.len());
    }
    bench.live_through(Duration::minutes(10)).await;
    for name in QueueName::all() {
        assert_eq!((queue.dead_letters(name).len(), queue.len(name)), (poison.len(), 0));
    }
}

#[tokio::test]
async fn a_message_for_a_deleted_onboarding_or_webhook_is_dropped() {
    let bench = TestBench::new().await;
    let queue = &bench.stack.twins.queue;
    for step in Step::queued() {
        let gone = r#"{"v":2,"kind":"onboarding","onboarding_id":"onb_0199d0f0000070008000000000000000","permit":"p","class":"key"}"#;
        queue.send_text(step, gone, Duration::ZERO);
    }
    let gone = r#"{"v":2,"kind":"inbox","inbox_key":"partner_hub#evt_gone","permit":"p","class":"look_up"}"#;
    queue.send_text(Step::NumberSubmission, gone, Duration::ZERO);
    let gone =
        r#"{"v":2,"kind":"event","event_id":"01a1a0b0-c129-7000-8000-00000000000a","permit":"p","class":"delivery"}"#;
    queue.send_text(QueueName::Deliveries, gone, Duration::ZERO);
    queue.send_text(
        QueueName::Deliveries,
        r#"{"v":2,"kind":"replay","permit":"p","class":"delivery"}"#,
        Duration::ZERO,
    );
    bench.settle().await;
    bench.assert_nothing_left();
}

#[tokio::test]
async fn an_onboarding_finishes_without_its_message_which_does_no_harm_afterwards() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.stack.wake().await;
    let queue = &bench.stack.twins.queue;
    let kept = queue.receive(Step::ClientAccount, 10);
    assert_eq!(kept.len(), 1);
    assert!(queue.delete(&kept[0].receipt));
    bench.finish(&started, "one_number").await;
    queue.send_text(Step::ClientAccount, &kept[0].body, Duration::ZERO);
    bench.live_through(Duration::minutes(5)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!((bench.count("numbers").await, bench.count("keys").await), (1, 1));
}
