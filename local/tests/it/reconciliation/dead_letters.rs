//! Messages that no worker can process become dead letters, and their onboardings go on without them.

use queue::Step;
use serde_json::json;
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn a_poison_message_becomes_a_dead_letter_and_stops_no_onboarding() {
    let poison = [
        "",
        "not json",
        "[]",
        r#"{"v":1,"kind":"make_coffee"}"#,
        r#"{"v":1,"kind":"onboarding","onboarding_id":"onb_1"}"#,
        r#"{"v":1,"kind":"inbox","inbox_key":"nobody"}"#,
    ];
    let bench = TestBench::new().await;
    let queue = &bench.stack.twins.queue;
    for step in Step::queued() {
        for body in poison {
            queue.send_text(step, body);
        }
    }
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "ready");
    for step in Step::queued() {
        let dead = queue.dead_letters(step);
        assert_eq!(dead.len(), poison.len(), "{step:?}: {dead:?}");
        assert!(queue.is_empty(step));
        // Sent back without a change, they end here again.
        assert_eq!(queue.redrive(step), poison.len());
    }
    bench.live_through(Duration::minutes(10)).await;
    for step in Step::queued() {
        assert_eq!((queue.dead_letters(step).len(), queue.len(step)), (poison.len(), 0));
    }
}

#[tokio::test]
async fn a_message_for_a_deleted_onboarding_or_webhook_is_dropped() {
    let bench = TestBench::new().await;
    let queue = &bench.stack.twins.queue;
    for step in Step::queued() {
        queue.send_text(step, r#"{"v":1,"kind":"onboarding","onboarding_id":"onb_0199d0f0000070008000000000000000"}"#);
    }
    queue.send_text(Step::KeyCreation, r#"{"v":1,"kind":"inbox","inbox_key":"partner_hub#evt_gone"}"#);
    bench.settle().await;
    bench.assert_nothing_left();
}

/// The Hub is down and the queue takes no messages: a worker can only fail.
async fn set_aside(bench: &TestBench) -> local::client::Started {
    bench.break_routes(&["numbers"], &json!({"status": 500})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.stack.twins.queue.fail_next(u32::MAX);
    bench.live_through(Duration::minutes(8)).await;
    let dead = bench.stack.twins.queue.dead_letters(Step::NumberSubmission);
    assert_eq!(dead.len(), 1, "{dead:?}");
    let record = bench.record(&started).await;
    assert_eq!(
        (record["status"].as_str(), record["retry"]["step"].as_str()),
        (Some("signed_up"), Some("number_submission"))
    );
    bench.stack.twins.queue.fail_next(0);
    bench.mend().await;
    started
}

#[tokio::test]
async fn redriven_dead_letters_finish_their_onboarding() {
    let bench = TestBench::new().await;
    let started = set_aside(&bench).await;
    assert_eq!(bench.stack.twins.queue.redrive(Step::NumberSubmission), 1);
    bench.live_through(Duration::minutes(5)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn an_onboarding_finishes_without_its_dead_letter() {
    let bench = TestBench::new().await;
    let started = set_aside(&bench).await;
    bench.live_on_schedule(Duration::hours(1)).await;
    assert_eq!(bench.status(&started).await, "ready");
    // Sent back afterwards, it does no harm.
    assert_eq!(bench.stack.twins.queue.redrive(Step::NumberSubmission), 1);
    bench.live_through(Duration::minutes(5)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!((bench.count("numbers").await, bench.count("keys").await), (1, 1));
}
