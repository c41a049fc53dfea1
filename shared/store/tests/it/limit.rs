//! The Hub's call limit and Meta's codes: what many take at once.

use std::collections::HashMap;

use onboarding::call_limit::{CallLimit, Permit, Priority, Slot};
use store::CodeClaim;
use time::{Duration, OffsetDateTime};

use crate::{TABLE, TestBench};

const LIMIT: CallLimit = CallLimit { calls: 5, period: Duration::seconds(30) };

impl TestBench {
    async fn turn(&self, priority: Priority, slot: Option<Slot>) -> Permit {
        self.store.take_call(LIMIT, priority, slot).await.unwrap()
    }

    /// Uses the tokens that are there.
    async fn use_up(&self) {
        for _ in 0..LIMIT.calls {
            assert_eq!(self.turn(Priority::ClientAccount, None).await, Permit::Granted);
        }
    }

    /// Somebody who must find no token.
    async fn waits(&self, priority: Priority, slot: Option<Slot>) -> (OffsetDateTime, Slot) {
        match self.turn(priority, slot).await {
            Permit::RetryAt { until, slot: Some(slot) } => (until, slot),
            other => panic!("{other:?}"),
        }
    }

    fn pass_until(&self, time: OffsetDateTime) {
        self.pass((time - self.now()).max(Duration::ZERO));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_concurrent_callers_stay_within_the_limit_and_all_are_served() {
    let bench = TestBench::new().await;
    let mut waiting: Vec<Option<Slot>> = vec![None; 20];
    let mut calls: Vec<OffsetDateTime> = Vec::new();
    while !waiting.is_empty() {
        let tasks: Vec<_> = waiting
            .drain(..)
            .map(|slot| {
                let store = bench.store.clone();
                tokio::spawn(async move { store.take_call(LIMIT, Priority::KeyCreation, slot).await.unwrap() })
            })
            .collect();
        let mut next = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                Permit::Granted => calls.push(bench.now()),
                Permit::RetryAt { until, slot } => {
                    assert!(until > bench.now());
                    next.push(until);
                    waiting.push(slot);
                }
            }
        }
        if let Some(until) = next.into_iter().min() {
            bench.pass_until(until);
        }
    }
    assert_eq!(calls.len(), 20);
    for six in calls.windows(6) {
        assert!(six[5] - six[0] > LIMIT.period, "{six:?}");
    }
    assert!(calls[19] - calls[0] < Duration::minutes(3), "{calls:?}");
}

#[tokio::test]
async fn a_reservation_is_served_before_later_callers() {
    let bench = TestBench::new().await;
    bench.use_up().await;
    let mut told = Vec::new();
    for _ in 0..7 {
        told.push(bench.waits(Priority::ClientAccount, None).await);
    }
    let slots: HashMap<Slot, OffsetDateTime> = told.iter().map(|(until, slot)| (*slot, *until)).collect();
    assert_eq!(slots.len(), 7, "each has a place of its own");
    bench.pass_until(told[4].0);
    // A newcomer at the same moment finds five tokens free, and five who were told to take them.
    bench.waits(Priority::ClientAccount, None).await;
    for (_, slot) in &told[..5] {
        assert_eq!(bench.turn(Priority::ClientAccount, Some(*slot)).await, Permit::Granted);
    }
}

#[tokio::test]
async fn urgent_work_does_not_wait_behind_less_urgent_calls() {
    let bench = TestBench::new().await;
    bench.use_up().await;
    for _ in 0..20 {
        bench.waits(Priority::ClientAccount, None).await;
    }
    let (until, slot) = bench.waits(Priority::KeyCreation, None).await;
    assert!(until - bench.now() <= Duration::seconds(31), "{until}");
    bench.pass_until(until);
    assert_eq!(bench.turn(Priority::KeyCreation, Some(slot)).await, Permit::Granted);
}

/// The one who submits a number does so in the place of the one who only looked for its client account.
#[tokio::test]
async fn a_reservation_moved_to_more_urgent_work_leaves_no_gap_in_the_queue() {
    let bench = TestBench::new().await;
    bench.use_up().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(bench.waits(Priority::ClientAccount, None).await.1);
    }
    for slot in held {
        bench.waits(Priority::NumberSubmission, Some(slot)).await;
    }
    let (until, _) = bench.waits(Priority::Reconciliation, None).await;
    assert!(until - bench.now() <= Duration::seconds(62), "five are before it, not ten: {until}");
}

#[tokio::test]
async fn the_call_limit_survives_a_restart() {
    let bench = TestBench::new().await;
    bench.use_up().await;
    let restarted = store::Store::new(bench.client.clone(), TABLE.to_owned(), bench.clock.clone());
    let turn = restarted.take_call(LIMIT, Priority::KeyCreation, None).await.unwrap();
    let Permit::RetryAt { until, slot } = turn else { panic!("{turn:?}") };
    assert!(until - bench.now() >= LIMIT.period);
    bench.pass_until(until);
    assert_eq!(bench.turn(Priority::KeyCreation, slot).await, Permit::Granted);
}

#[tokio::test]
async fn a_code_is_claimed_once() {
    let bench = TestBench::new().await;
    let (first, second) = (bench.create("a").await, bench.create("b").await);
    let claim = |code: &'static str, id| bench.store.claim_code(code, id);
    assert_eq!(claim("c0de", &first).await.unwrap(), CodeClaim::First);
    for id in [&first, &second] {
        assert_eq!(claim("c0de", id).await.unwrap(), CodeClaim::Taken { by: first.clone(), at_work: true });
    }
    assert_eq!(claim("0ther", &second).await.unwrap(), CodeClaim::First);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_twenty_concurrent_claims_of_a_code_wins() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (store, id) = (bench.store.clone(), id.clone());
            tokio::spawn(async move { store.claim_code("c0de", &id).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        match task.await.unwrap() {
            CodeClaim::First => first += 1,
            CodeClaim::Taken { by, at_work } => assert_eq!((by, at_work), (id.clone(), true)),
        }
    }
    assert_eq!(first, 1);
}
