use onboarding::call_limit::Priority;
use onboarding::{Event, LongestWaits, Status};
use store::{Awaited, Due, Lease, LeaseOutcome};
use time::Duration;

use crate::{TestBench, client_found, signup_proven};

const MINUTE: Duration = Duration::minutes(1);

fn taken(outcome: LeaseOutcome) -> Lease {
    match outcome {
        LeaseOutcome::Taken(lease, _) => lease,
        LeaseOutcome::Held { until } => panic!("held until {until}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_twenty_concurrent_workers_gets_the_lease() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (store, id) = (bench.store.clone(), id.clone());
            tokio::spawn(async move { store.lease(&id, MINUTE).await })
        })
        .collect();
    let mut leases = Vec::new();
    for task in tasks {
        match task.await.unwrap().unwrap() {
            LeaseOutcome::Taken(lease, stored) => {
                assert_eq!(stored.onboarding.id, id);
                leases.push(lease);
            }
            LeaseOutcome::Held { until } => assert_eq!(until, bench.now() + MINUTE),
        }
    }
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].until(), bench.now() + MINUTE);
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_and_its_former_owner_cannot_release_it() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let former = taken(bench.store.lease(&id, MINUTE).await.unwrap());
    bench.pass(MINUTE);
    let present = taken(bench.store.lease(&id, MINUTE).await.unwrap());

    bench.store.release(&former, Some(bench.now())).await.unwrap();
    bench.store.release(&former, None).await.unwrap();
    let held = LeaseOutcome::Held { until: present.until() };
    assert_eq!(bench.store.lease(&id, MINUTE).await.unwrap(), held);
    assert!(bench.store.due(bench.now(), 10).await.unwrap().is_empty());

    bench.store.release(&present, None).await.unwrap();
    bench.store.release(&present, None).await.unwrap();
    taken(bench.store.lease(&id, MINUTE).await.unwrap());
}

#[tokio::test]
async fn applying_an_event_keeps_the_lease() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let lease = taken(bench.store.lease(&id, MINUTE).await.unwrap());
    bench.apply(&id, client_found("hT3mVxCL")).await.unwrap();
    let held = LeaseOutcome::Held { until: lease.until() };
    assert_eq!(bench.store.lease(&id, MINUTE).await.unwrap(), held);
}

#[tokio::test]
async fn releasing_a_lease_sets_when_the_onboarding_is_due() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let lease = taken(bench.store.lease(&id, MINUTE).await.unwrap());
    bench.store.release(&lease, Some(bench.now() + MINUTE)).await.unwrap();
    assert!(bench.store.due(bench.now(), 10).await.unwrap().is_empty());
    assert_eq!(bench.store.due(bench.now() + MINUTE, 10).await.unwrap(), [Due::Onboarding(id)]);
}

#[tokio::test]
async fn an_onboarding_at_rest_does_not_become_due_again() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let lease = taken(bench.store.lease(&id, Duration::days(8)).await.unwrap());
    bench.pass(Duration::days(7));
    assert_eq!(bench.apply(&id, Event::LinkExpired).await.unwrap().status, Status::Expired);
    bench.store.release(&lease, Some(bench.now())).await.unwrap();
    assert!(bench.store.due(bench.now() + Duration::days(1), 10).await.unwrap().is_empty());
    taken(bench.store.lease(&id, MINUTE).await.unwrap());
}

#[tokio::test]
async fn a_lease_carries_the_message_that_is_awaited() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let lease = taken(bench.store.lease(&id, MINUTE).await.unwrap());
    assert_eq!(lease.awaited(), None);
    let awaited = Awaited { priority: Priority::NumberSubmission, at: bench.now() + MINUTE, slot: Some(1) };
    bench.store.release_awaiting(&lease, Some(bench.now() + MINUTE), &awaited).await.unwrap();
    assert_eq!(bench.store.due(bench.now() + MINUTE, 10).await.unwrap(), [Due::Onboarding(id.clone())]);

    bench.apply(&id, client_found("hT3mVxCL")).await.unwrap();
    let next = taken(bench.store.lease(&id, MINUTE).await.unwrap());
    assert_eq!(next.awaited(), Some(&awaited));
    // Not by who has no lease any more.
    bench.store.release_awaiting(&lease, None, &Awaited { slot: None, ..awaited.clone() }).await.unwrap();
    bench.store.release(&next, None).await.unwrap();
    assert_eq!(taken(bench.store.lease(&id, MINUTE).await.unwrap()).awaited(), Some(&awaited));
}

#[tokio::test]
async fn no_release_puts_off_the_look_at_an_onboarding_that_becomes_overdue() {
    let bench = TestBench::new().await;
    let longest = LongestWaits { signed_up: MINUTE * 30, ..LongestWaits::default() };
    let store = bench.store.clone().with_longest_waits(longest);
    let id = bench.create("a").await;
    store.apply(&id, &signup_proven("106540352242922")).await.unwrap();
    let overdue_at = bench.now() + MINUTE * 30;
    let is_due = async |at| !store.due(at, 10).await.unwrap().is_empty();

    let lease = taken(store.lease(&id, MINUTE).await.unwrap());
    assert_eq!(lease.overdue_at(), Some(overdue_at));
    store.release(&lease, Some(bench.now() + MINUTE * 20)).await.unwrap();
    assert!(!is_due(overdue_at - MINUTE * 11).await && is_due(overdue_at - MINUTE * 10).await);
    let lease = taken(store.lease(&id, MINUTE).await.unwrap());
    store.release(&lease, Some(bench.now() + MINUTE * 360)).await.unwrap();
    assert!(!is_due(overdue_at - MINUTE).await && is_due(overdue_at).await);

    bench.pass(MINUTE * 31);
    store.apply(&id, &Event::Overdue { since: overdue_at }).await.unwrap();
    let lease = taken(store.lease(&id, MINUTE).await.unwrap());
    assert_eq!(lease.overdue_at(), None);
    store.release(&lease, Some(bench.now() + MINUTE * 360)).await.unwrap();
    assert!(!is_due(bench.now() + MINUTE * 359).await && is_due(bench.now() + MINUTE * 360).await);
}
