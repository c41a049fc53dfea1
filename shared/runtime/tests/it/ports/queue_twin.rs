use onboarding::Class;
use queue::{About, MemoryQueue, Queue, Received, Step, Task};
use time::Duration;

use crate::support::time::Time;

const STEP: Step = Step::KeyCreation;

fn task(n: i64) -> Task {
    let about = About::Inbox { inbox_key: "hub#1".to_owned() };
    Task { about, permit: n.to_string(), class: Class::LookUp, after_failures: false }
}

fn setup() -> (Time, MemoryQueue) {
    let time = Time::new();
    let queue = MemoryQueue::new(time.clock(), Duration::seconds(60), 3);
    (time, queue)
}

fn tasks(received: &[Received]) -> Vec<Task> {
    received.iter().map(|received| Task::from_body(&received.body).unwrap()).collect()
}

#[tokio::test]
async fn a_message_that_takes_its_time_arrives_then_and_not_before() {
    let (time, queue) = setup();
    queue.send_text(STEP, &task(1).body().unwrap(), Duration::seconds(20));
    queue.send_text(STEP, &task(2).body().unwrap(), Duration::seconds(10));
    queue.send(STEP.into(), &task(3)).await.unwrap();
    assert_eq!(tasks(&queue.receive(STEP, 10)), [task(3)]);
    assert_eq!(queue.next_due(STEP), Some(time.now() + Duration::seconds(10)));
    time.pass(Duration::seconds(20));
    assert_eq!(tasks(&queue.receive(STEP, 10)), [task(2), task(1)]);
    assert!(queue.receive(Step::ClientAccount, 10).is_empty());
}

#[tokio::test]
async fn a_received_message_is_hidden_and_delivered_again_until_it_is_deleted() {
    let (time, queue) = setup();
    queue.send(STEP.into(), &task(1)).await.unwrap();
    let first = queue.receive(STEP, 10).remove(0);
    assert!(queue.receive(STEP, 10).is_empty());
    assert_eq!(queue.len(STEP), 1);
    time.pass(Duration::seconds(60));
    let second = queue.receive(STEP, 10).remove(0);
    assert_eq!((first.receive_count, second.receive_count), (1, 2));
    assert_eq!(first.message_id, second.message_id);
    assert!(!queue.delete(&first.receipt), "a receipt ends with the next delivery");
    assert!(queue.delete(&second.receipt));
    assert!(queue.is_empty(STEP) && queue.next_due(STEP).is_none());
}

#[tokio::test]
async fn a_released_message_comes_back_at_once_or_after_a_delay() {
    let (time, queue) = setup();
    queue.send(STEP.into(), &task(1)).await.unwrap();
    let first = queue.receive(STEP, 1).remove(0);
    assert!(queue.release(&first.receipt, Duration::ZERO));
    let second = queue.receive(STEP, 1).remove(0);
    assert!(!queue.release(&first.receipt, Duration::ZERO));
    assert!(queue.release(&second.receipt, Duration::seconds(5)));
    assert!(queue.receive(STEP, 1).is_empty());
    time.pass(Duration::seconds(5));
    assert_eq!(queue.receive(STEP, 1).len(), 1);
}

#[tokio::test]
async fn a_message_that_fails_too_often_is_a_dead_letter_until_it_is_redriven() {
    let (time, queue) = setup();
    queue.send_text(STEP, "not a task", Duration::ZERO);
    for n in 1..=3 {
        assert_eq!(queue.receive(STEP, 1)[0].receive_count, n);
        time.pass(Duration::seconds(60));
    }
    assert!(queue.receive(STEP, 1).is_empty());
    assert!(queue.is_empty(STEP));
    let dead = queue.dead_letters(STEP);
    assert_eq!((dead.len(), dead[0].body.as_str()), (1, "not a task"));
    assert_eq!(queue.redrive(STEP), 1);
    assert!(queue.dead_letters(STEP).is_empty());
    assert_eq!(queue.receive(STEP, 1)[0].receive_count, 1);
}

#[tokio::test]
async fn a_waiting_receiver_is_woken_by_a_send_even_before_it_waits() {
    let (_, queue) = setup();
    let sent = queue.notified();
    assert!(queue.receive(STEP, 1).is_empty());
    queue.clone().send(STEP.into(), &task(1)).await.unwrap();
    sent.await;
    assert_eq!(queue.receive(STEP, 1).len(), 1);
}

#[tokio::test]
async fn the_queue_twin_fails_when_told_to() {
    let (_, queue) = setup();
    queue.fail_next(2);
    for _ in 0..2 {
        assert!(queue.send(STEP.into(), &task(1)).await.is_err());
    }
    assert!(queue.send(STEP.into(), &task(1)).await.is_ok());
    assert_eq!(queue.len(STEP), 1);
}
