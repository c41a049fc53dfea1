//! Messages that nobody can deal with are set aside, and what they were for goes on without them.

use queue::Worker;
use serde_json::json;
use time::Duration;

use crate::world::World;

#[tokio::test]
async fn a_poison_message_is_set_aside_and_stops_nobody() {
    let poison = [
        "",
        "not json",
        "[]",
        r#"{"v":1,"kind":"make_coffee"}"#,
        r#"{"v":1,"kind":"onboarding","onboarding_id":"onb_1"}"#,
        r#"{"v":1,"kind":"inbox","inbox_key":"nobody"}"#,
    ];
    let world = World::new().await;
    let queue = &world.stack.world.queue;
    for worker in Worker::ALL {
        for body in poison {
            queue.send_text(worker, body);
        }
    }
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::minutes(10)).await;
    assert_eq!(world.status(&started).await, "ready");
    for worker in Worker::ALL {
        let dead = queue.dead_letters(worker);
        assert_eq!(dead.len(), poison.len(), "{worker:?}: {dead:?}");
        assert!(queue.is_empty(worker));
        // Sent back without a change, they end here again.
        assert_eq!(queue.redrive(worker), poison.len());
    }
    world.live_through(Duration::minutes(10)).await;
    for worker in Worker::ALL {
        assert_eq!((queue.dead_letters(worker).len(), queue.len(worker)), (poison.len(), 0));
    }
}

#[tokio::test]
async fn a_message_for_an_onboarding_or_a_webhook_that_is_gone_is_done_with() {
    let world = World::new().await;
    let queue = &world.stack.world.queue;
    for worker in Worker::ALL {
        queue
            .send_text(worker, r#"{"v":1,"kind":"onboarding","onboarding_id":"onb_0199d0f0000070008000000000000000"}"#);
    }
    queue.send_text(Worker::KeyCreation, r#"{"v":1,"kind":"inbox","inbox_key":"partner_hub#evt_gone"}"#);
    world.settle().await;
    world.assert_nothing_left();
}

/// The Hub is down and the queue takes no messages: a worker can only fail.
async fn set_aside(world: &World) -> local::client::Started {
    world.break_routes(&["numbers"], &json!({"status": 500})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.stack.world.queue.fail_next(u32::MAX);
    world.live_through(Duration::minutes(8)).await;
    let dead = world.stack.world.queue.dead_letters(Worker::NumberSubmission);
    assert_eq!(dead.len(), 1, "{dead:?}");
    let record = world.record(&started).await;
    assert_eq!(
        (record["status"].as_str(), record["retry"]["step"].as_str()),
        (Some("signed_up"), Some("number_submission"))
    );
    world.stack.world.queue.fail_next(0);
    world.mend().await;
    started
}

#[tokio::test]
async fn dead_letters_that_are_sent_back_finish_their_onboarding() {
    let world = World::new().await;
    let started = set_aside(&world).await;
    assert_eq!(world.stack.world.queue.redrive(Worker::NumberSubmission), 1);
    world.live_through(Duration::minutes(5)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn an_onboarding_does_not_need_its_dead_letter() {
    let world = World::new().await;
    let started = set_aside(&world).await;
    world.live_on_schedule(Duration::hours(1)).await;
    assert_eq!(world.status(&started).await, "ready");
    // Sent back afterwards, it does no harm.
    assert_eq!(world.stack.world.queue.redrive(Worker::NumberSubmission), 1);
    world.live_through(Duration::minutes(5)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!((world.count("numbers").await, world.count("keys").await), (1, 1));
}
