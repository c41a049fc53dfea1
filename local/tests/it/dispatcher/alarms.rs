//! What an operator is told of: work without a result, a Hub that is down, a dispatcher that is dead.

use onboarding::Class;
use queue::Step;
use serde_json::json;
use time::Duration;

use super::support::key;
use crate::support::TestBench;
use crate::support::log::Log;

const STUCK: &str = r#""metric":"stuck""#;

#[tokio::test]
async fn work_whose_worker_never_records_a_result_is_told_of_once() {
    let (log, _guard) = Log::listen();
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let (store, queue) = (&bench.stack.twins.store, &bench.stack.twins.queue);
    for round in 1..=8 {
        bench.stack.look().await;
        for message in queue.receive(Step::ClientAccount, usize::MAX) {
            queue.delete(&message.receipt);
        }
        bench.tell_events().await;
        let permits = store.limiter().await.unwrap().permits;
        let permit = permits.keys().next().unwrap();
        // The worker dies in its call.
        assert!(store.redeem(&key(&started), permit, Class::ClientAccount).await.unwrap(), "round {round}");
        assert_eq!(log.lines_with(STUCK), usize::from(round > 5), "round {round}");
        bench.pass(Duration::minutes(61));
    }
}

#[tokio::test]
async fn work_whose_messages_never_arrive_is_told_of_once() {
    let (log, _guard) = Log::listen();
    let bench = TestBench::new().await;
    bench.client.start("tenant-1").await.unwrap();
    for round in 0..12 {
        bench.stack.look().await;
        assert_eq!(log.lines_with(STUCK), usize::from(round >= 10), "round {round}");
        bench.pass(Duration::seconds(21));
    }
}

#[tokio::test]
async fn a_hub_that_is_down_is_told_of_and_is_no_dead_dispatcher() {
    let (log, _guard) = Log::listen();
    let bench = TestBench::new().await;
    bench.break_routes(&["list_clients", "list_channels"], &json!({"status": 503})).await;
    bench.client.start("tenant-1").await.unwrap();
    bench.live_through(Duration::minutes(30)).await;
    assert!(log.lines_with(r#""metric":"hub_unavailable""#) >= 20);
    let before = log.lines_with(r#""metric":"line_oldest_seconds","count":0"#);
    assert_eq!(bench.reconcile().await.line_length, 1);
    assert_eq!(log.lines_with(r#""metric":"line_oldest_seconds","count":0"#), before + 1);
    assert_eq!(log.lines_with(STUCK), 0);
}

#[tokio::test]
async fn a_dispatcher_that_does_not_run_is_told_of() {
    let (log, _guard) = Log::listen();
    let bench = TestBench::new().await;
    bench.client.start("tenant-1").await.unwrap();
    bench.pass(Duration::minutes(11));
    let report = bench.reconcile().await;
    assert_eq!((report.line_length, report.line_oldest_seconds), (2, 660));
    assert_eq!(log.lines_with(r#""metric":"line_oldest_seconds","count":660"#), 1);
}

#[tokio::test]
async fn a_long_line_that_is_served_is_no_dead_dispatcher() {
    let bench = TestBench::new().await;
    for n in 0..12 {
        bench.client.start(&format!("tenant-{n}")).await.unwrap();
    }
    // Each gets permits in vain, so that the line does not end.
    for _ in 0..30 {
        bench.stack.look().await;
        bench.pass(Duration::seconds(25));
    }
    let report = bench.reconcile().await;
    assert!(report.line_length >= 7, "{report:?}");
    assert_eq!(report.line_oldest_seconds, 25);
}
