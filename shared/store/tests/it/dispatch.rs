//! The dispatcher's lease, and what workers tell the limiter.

use onboarding::Class;
use onboarding::limiter::{CallLimit, Health, Permit, milliseconds};
use store::DispatchLease;
use time::Duration;

use crate::TestBench;

const LIMIT: CallLimit = CallLimit { calls: 5, period: Duration::seconds(30) };

impl TestBench {
    async fn lease(&self) -> DispatchLease {
        self.store.begin_dispatch(true).await.unwrap().unwrap()
    }

    fn permit(&self) -> Permit {
        let now = milliseconds(self.now());
        Permit { work: "LIMIT#hub".to_owned(), class: Class::Key, due_at: now, sent_at: now, redeemed_at: None }
    }

    async fn health(&self) -> Health {
        self.store.limiter().await.unwrap().health(milliseconds(self.now()))
    }
}

#[tokio::test]
async fn a_lease_that_is_held_ends_other_runs_at_once_and_its_holder_hears_of_them() {
    let bench = TestBench::new().await;
    let mut lease = bench.store.begin_dispatch(false).await.unwrap().unwrap();
    assert!(bench.store.begin_dispatch(false).await.unwrap().is_none());
    assert!(!bench.store.end_dispatch(&lease, false).await.unwrap(), "somebody wanted to look");
    assert!(bench.store.keep_dispatching(&mut lease).await.unwrap());
    assert!(bench.store.end_dispatch(&lease, false).await.unwrap());
    assert!(bench.store.begin_dispatch(false).await.unwrap().is_some());
}

#[tokio::test]
async fn the_run_of_the_minute_takes_the_lease_and_the_former_holder_can_do_nothing_more() {
    let bench = TestBench::new().await;
    let mut former = bench.lease().await;
    let mut present = bench.lease().await;
    assert!(!bench.store.keep_dispatching(&mut former).await.unwrap());
    assert!(!bench.store.reserve(&mut former, "p1", &bench.permit(), None).await.unwrap());
    assert!(!bench.store.free_tokens(&mut former, &["p1".to_owned()]).await.unwrap());
    assert!(bench.store.end_dispatch(&former, false).await.unwrap(), "there is nothing to end");
    assert!(bench.store.reserve(&mut present, "p1", &bench.permit(), None).await.unwrap());
    assert_eq!(present.limiter.permits.len(), 1);
}

#[tokio::test]
async fn the_lease_of_a_run_that_died_runs_out() {
    let bench = TestBench::new().await;
    bench.lease().await;
    bench.pass(Duration::seconds(29));
    assert!(bench.store.begin_dispatch(false).await.unwrap().is_none());
    bench.pass(Duration::seconds(1));
    assert!(bench.store.begin_dispatch(false).await.unwrap().is_some());
}

#[tokio::test]
async fn tokens_are_taken_and_freed_and_a_worker_gives_back_what_it_does_not_need() {
    let bench = TestBench::new().await;
    let mut lease = bench.lease().await;
    for id in ["p1", "p2", "p3", "p4", "p5"] {
        assert!(lease.limiter.has_token(LIMIT));
        assert!(bench.store.reserve(&mut lease, id, &bench.permit(), None).await.unwrap());
    }
    assert!(!lease.limiter.has_token(LIMIT));
    bench.store.return_permit("p1").await.unwrap();
    bench.store.return_permit("unknown").await.unwrap();
    assert!(bench.store.keep_dispatching(&mut lease).await.unwrap());
    assert!(lease.limiter.has_token(LIMIT));
    assert!(bench.store.free_tokens(&mut lease, &["p2".to_owned(), "p3".to_owned()]).await.unwrap());
    assert_eq!(lease.limiter.permits.keys().collect::<Vec<_>>(), ["p4", "p5"]);
}

#[tokio::test]
async fn three_failures_in_a_row_make_us_ask_and_the_answer_opens_and_closes_the_breaker() {
    let bench = TestBench::new().await;
    let mut lease = bench.lease().await;
    bench.store.hub_failed().await.unwrap();
    bench.store.hub_answered().await.unwrap();
    for _ in 0..2 {
        bench.store.hub_failed().await.unwrap();
        assert_eq!(bench.health().await, Health::Well);
    }
    bench.store.hub_failed().await.unwrap();
    let now = milliseconds(bench.now());
    assert_eq!(bench.health().await, Health::Doubtful { probe_at: now });
    assert!(bench.store.reserve(&mut lease, "probe", &bench.permit(), None).await.unwrap());
    assert_eq!(bench.health().await, Health::Doubtful { probe_at: now + 60_000 });

    bench.store.hub_probed(false).await.unwrap();
    assert_eq!(bench.store.limiter().await.unwrap().probe, Some(false));
    assert!(bench.store.set_breaker(&mut lease, Some(bench.now())).await.unwrap());
    assert_eq!((lease.limiter.probe, lease.limiter.open_since), (None, Some(now)));
    assert!(bench.store.set_breaker(&mut lease, None).await.unwrap());
    assert_eq!((bench.health().await, lease.limiter.open_since), (Health::Well, None));
}

#[tokio::test]
async fn a_pause_ends_by_itself() {
    let bench = TestBench::new().await;
    bench.lease().await;
    let until = bench.now() + Duration::seconds(30);
    bench.store.pause_calls(until).await.unwrap();
    assert_eq!(bench.health().await, Health::Paused { until: milliseconds(until) });
    bench.pass(Duration::seconds(30));
    assert_eq!(bench.health().await, Health::Well);
}

#[tokio::test]
async fn a_shorter_pause_does_not_end_a_longer_one() {
    let bench = TestBench::new().await;
    bench.lease().await;
    bench.store.pause_calls(bench.now() + Duration::hours(1)).await.unwrap();
    bench.store.pause_calls(bench.now() + Duration::seconds(30)).await.unwrap();
    bench.pass(Duration::seconds(31));
    assert!(matches!(bench.health().await, Health::Paused { .. }));
}

/// As many as the template's largest limit leaves out after the dispatcher was dead for a while.
#[tokio::test]
async fn hundreds_of_tokens_are_freed_at_once() {
    let bench = TestBench::new().await;
    let mut lease = bench.lease().await;
    let ids: Vec<String> = (0..400).map(|n| format!("{n:032x}")).collect();
    for id in &ids {
        assert!(bench.store.reserve(&mut lease, id, &bench.permit(), None).await.unwrap());
    }
    assert!(bench.store.free_tokens(&mut lease, &ids).await.unwrap());
    assert!(lease.limiter.permits.is_empty());
}
