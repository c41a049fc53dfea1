//! The order of work: no piece of work hides those behind it, and no fault of one keeps the others from their permits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use exchange::Clock;
use local::client::start_body;
use local::settings::BACKEND_TOKEN;
use onboarding::limiter::{Permit, milliseconds};
use onboarding::{Class, Event, OnboardingId};
use queue::Step;
use serde_json::{Value, json};
use time::Duration;
use workflow::Dispatcher;

use super::support::{Refusing, key, meanwhile};
use crate::support::TestBench;
use crate::support::bench::time_of;

async fn start_as(bench: &TestBench, reference: &str, email: &str) {
    let mut body = start_body(reference);
    body["client"]["email"] = json!(email);
    bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
}

#[tokio::test]
async fn many_that_wait_for_the_search_of_another_hide_nobody_behind_them() {
    let bench = TestBench::new().await;
    let store = &bench.stack.twins.store;
    store.claim_client_search("lena.voss@nordlicht.example", &OnboardingId::generate()).await.unwrap();
    for n in 0..40 {
        start_as(&bench, &format!("tenant-{n}"), "lena.voss@nordlicht.example").await;
    }
    bench.pass(Duration::seconds(1));
    start_as(&bench, "last", "kim@acme.example").await;
    // All wakes are lost.
    assert!(!bench.stack.stream.records().is_empty());
    let mut looks = 0;
    loop {
        let done = bench.dispatcher().look().await.unwrap();
        looks += 1;
        if done.permits > 0 {
            break;
        }
        assert!(
            done.busy,
            "the run of the minute ends after {looks} looks, although somebody waits and tokens are free"
        );
    }
    assert!(looks <= 4, "{looks} looks");
}

#[tokio::test]
async fn a_queue_that_takes_nothing_keeps_no_other_queue_from_its_messages() {
    let bench = TestBench::new().await;
    let one = bench.signed_up("tenant-1", "one_number:1").await;
    let live = Event::ChannelLive { channel_id: "Zz1CH".parse().unwrap(), made_at: None };
    bench.stack.twins.store.apply(&one.id.parse().unwrap(), &live).await.unwrap();
    start_as(&bench, "tenant-2", "kim@acme.example").await;
    let dispatcher = bench.dispatcher();
    let queue = Arc::new(Refusing { step: Step::KeyCreation, others: Arc::clone(&dispatcher.queue) });
    let done = Dispatcher { queue, ..dispatcher }.look().await.unwrap();
    assert_eq!(done.unsent, 1);
    assert_eq!(bench.stack.twins.queue.len(Step::ClientAccount), 1);
}

/// The two filters of the stream's mapping let through entries and webhooks alone.
#[tokio::test]
async fn what_the_dispatcher_writes_wakes_it_only_where_it_settles_something() {
    let bench = TestBench::new().await;
    let wakes = |records: Vec<Value>| -> Vec<String> {
        records.iter().map(|record| record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap().to_owned()).collect()
    };
    let started = bench.client.start("tenant-1").await.unwrap();
    assert_eq!(wakes(bench.stack.stream.records()).len(), 1);
    // A permit that is given, is void, and is given again.
    for _ in 0..3 {
        assert_eq!(bench.dispatcher().look().await.unwrap().permits, 1);
        bench.pass(Duration::seconds(21));
    }
    // Three calls that failed, a probe, and a breaker that opens and closes.
    let store = &bench.stack.twins.store;
    for well in [false, true] {
        for _ in 0..3 {
            store.hub_failed().await.unwrap();
        }
        bench.pass(Duration::minutes(2));
        bench.dispatcher().look().await.unwrap();
        store.hub_probed(well).await.unwrap();
        bench.dispatcher().look().await.unwrap();
    }
    // Work that is put off, because another searches for its client account, or because a worker has it.
    store.claim_client_search("lena.voss@nordlicht.example", &OnboardingId::generate()).await.unwrap();
    bench.pass(Duration::hours(1));
    bench.dispatcher().look().await.unwrap();
    // The two entries of the breaker alone: the partner is told of them.
    let told = wakes(bench.stack.stream.records());
    assert!(told.len() == 2 && told.iter().all(|sk| sk.starts_with("EVT#")), "the dispatcher wakes itself: {told:?}");

    // A link that ran out is settled with an entry, which is news.
    let record = bench.record(&started).await;
    bench.pass(time_of(&record["expires_at"]) - bench.now());
    bench.dispatcher().look().await.unwrap();
    assert_eq!(bench.status(&started).await, "expired");
    let news = wakes(bench.stack.stream.records());
    assert!(news.len() == 1 && news[0].starts_with("EVT#"), "{news:?}");
}

#[tokio::test]
async fn a_permit_that_is_redeemed_at_the_last_moment_keeps_its_token() {
    let bench = Arc::new(TestBench::new().await);
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.stack.wake().await;
    let store = bench.stack.twins.store.clone();
    let permit = store.limiter().await.unwrap().permits.keys().next().unwrap().clone();
    bench.pass(Duration::milliseconds(19_999));
    // Between the dispatcher's look at the limiter and its look at the clock.
    let (looks, time, worker, its_permit) = (AtomicU32::new(0), Arc::clone(&bench), store.clone(), permit.clone());
    let clock = Clock::from_fn(move || {
        if looks.fetch_add(1, Ordering::SeqCst) == 0 {
            let (store, key, permit) = (worker.clone(), key(&started), its_permit.clone());
            assert!(meanwhile(async move { store.redeem(&key, &permit, Class::ClientAccount).await.unwrap() }));
            time.pass(Duration::MILLISECOND);
        }
        time.now()
    });
    bench.dispatcher_with(clock).look().await.unwrap();
    let permits = store.limiter().await.unwrap().permits;
    assert!(permits.get(&permit).is_some_and(|permit| permit.redeemed_at.is_some()), "{permits:?}");
}

/// At whichever moment of the dispatcher's look that is.
#[tokio::test]
async fn work_that_its_worker_gives_up_while_the_dispatcher_looks_is_not_put_off() {
    for moment in 0..8 {
        let bench = Arc::new(TestBench::new().await);
        bench.fault(json!({"route": "webhook", "lose": true, "times": 1_000_000})).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::minutes(3)).await;
        bench.pass(Duration::minutes(3));
        let (store, work) = (bench.stack.twins.store.clone(), key(&started));
        let mut lease = store.begin_dispatch(true).await.unwrap().unwrap();
        let at = milliseconds(bench.now());
        let permit = Permit { work: work.as_text(), class: Class::LookUp, due_at: at, sent_at: at, redeemed_at: None };
        assert!(store.reserve(&mut lease, "p", &permit, None).await.unwrap());
        let state = store.work(&work).await.unwrap().unwrap();
        assert!(store.take(&work, &state, "p").await.unwrap());
        assert!(store.redeem(&work, "p", Class::LookUp).await.unwrap());
        let live = Event::ChannelLive { channel_id: "Zz1CH".parse().unwrap(), made_at: None };
        let stored = store.apply(&started.id.parse().unwrap(), &live).await.unwrap().into_stored();
        assert!(store.end_dispatch(&lease, false).await.unwrap());
        let (looks, time, worker) = (AtomicU32::new(0), Arc::clone(&bench), store.clone());
        let clock = Clock::from_fn(move || {
            if looks.fetch_add(1, Ordering::SeqCst) == moment {
                let (store, onboarding) = (worker.clone(), stored.onboarding.clone());
                meanwhile(async move { store.work_done(&onboarding, "p").await.unwrap() });
            }
            time.now()
        });
        bench.dispatcher_with(clock).woken(std::slice::from_ref(&work), None).await.unwrap();
        let state = store.work(&work).await.unwrap().unwrap();
        let wait = state.due_at - bench.now();
        assert!(state.held_until.is_some() || wait <= Duration::minutes(1), "moment {moment}: due in {wait}");
    }
}
