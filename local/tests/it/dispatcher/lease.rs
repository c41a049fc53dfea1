//! One run at a time gives permits. A run that ends lets the next one begin.

use std::sync::Arc;
use std::time::{Duration as StdDuration, Instant};

use exchange::Clock;
use queue::Step;
use time::Duration;
use tokio::time::timeout;
use workflow::Dispatcher;

use super::support::{Refusing, key, meanwhile};
use crate::support::TestBench;

/// A run that stays has ended by then.
const SOON: StdDuration = StdDuration::from_secs(10);
/// What the dispatcher needs of an invocation for a pass.
const FOR_A_PASS: StdDuration = StdDuration::from_secs(10);

/// Whether another run could begin now.
async fn is_free(bench: &TestBench) -> bool {
    bench.stack.twins.store.begin_dispatch(false).await.unwrap().is_some()
}

#[tokio::test]
async fn a_woken_run_that_is_woken_again_and_again_gives_its_lease_up() {
    let bench = Arc::new(TestBench::new().await);
    let started = bench.client.start("tenant-1").await.unwrap();
    let (store, now) = (bench.stack.twins.store.clone(), Arc::clone(&bench));
    let clock = Clock::from_fn(move || {
        let store = store.clone();
        meanwhile(async move { store.begin_dispatch(false).await.unwrap() });
        now.now()
    });
    bench.dispatcher_with(clock).woken(&[key(&started)], None).await.unwrap();
    assert!(is_free(&bench).await);
}

#[tokio::test]
async fn a_run_that_a_queue_fails_gives_its_lease_up() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let dispatcher = bench.dispatcher();
    let queue = Arc::new(Refusing { step: Step::ClientAccount, others: Arc::clone(&dispatcher.queue) });
    let done = Dispatcher { queue, ..dispatcher }.woken(&[key(&started)], None).await.unwrap();
    assert_eq!((done.permits, done.unsent), (1, 1));
    assert!(is_free(&bench).await);
}

#[tokio::test]
async fn the_run_of_the_minute_ends_at_once_if_nobody_waits() {
    let bench = TestBench::new().await;
    timeout(SOON, bench.dispatcher().minute(None)).await.unwrap().unwrap();
    assert!(is_free(&bench).await);
}

#[tokio::test]
async fn the_run_of_the_minute_stays_while_somebody_waits_until_the_next_takes_over() {
    let bench = TestBench::new().await;
    for n in 0..6 {
        bench.client.start(&format!("tenant-{n}")).await.unwrap();
    }
    let dispatcher = bench.dispatcher();
    let first = tokio::spawn(async move { dispatcher.minute(None).await });
    let first = timeout(SOON, async {
        // It has given all five, and knows that the sixth waits.
        while bench.stack.twins.queue.len(Step::ClientAccount) < 5 {
            tokio::task::yield_now().await;
        }
        // None is redeemed: after 20 seconds all are void, and are given again.
        bench.pass(Duration::seconds(21));
        while bench.stack.twins.queue.len(Step::ClientAccount) < 10 {
            tokio::task::yield_now().await;
        }
        assert!(!is_free(&bench).await, "the run has ended although somebody waits");
        let next = bench.dispatcher().minute(Some(Instant::now() + FOR_A_PASS)).await.unwrap();
        assert!(next.busy);
        first.await
    });
    let first = first.await.unwrap().unwrap().unwrap();
    assert_eq!((first.permits, first.unsent), (10, 0));
    assert!(is_free(&bench).await);
}
