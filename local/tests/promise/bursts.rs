//! Two hundred at once, with the documented limit of 5 calls in 30 seconds: none is refused, none is lost, no time is
//! wasted, and who is nearest to the end goes first. Messages come late, as SQS's do, and calls travel unequally.

use std::ops::Range;

use serde_json::{Value, json};
use store::WorkKey;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::support::disturbance::Disturbance;
use crate::support::fault_injection::{Failure, Outcome, Place, SideEffect};
use crate::support::parallel_runner::alone;
use crate::support::promise::{Promise, list};
use crate::support::sample;
use crate::support::test_bench::TestBench;

const ONBOARDINGS: usize = 200;
/// Where not all cases run, so many live through an outage.
const PART: usize = 40;
/// So many meet a slow Hub.
const SLOWED: usize = 40;
const LATER: Duration = Duration::seconds(3900);
/// 5 calls in 30 seconds.
const CALLS_PER_ROUND: usize = 5;
const PER_CALL: Duration = Duration::seconds(6);
/// A call's token comes back half a second late, and ledgers show whole seconds.
const ROUND: Duration = Duration::seconds(32);
/// In which a call out of order is made at most once.
const PERIOD: Duration = Duration::seconds(30);
/// Lookup, client account, number, whose channel it is, key.
const CALLS_EACH: usize = 5;
/// How long 30 seconds are, in milliseconds.
const LIMIT_PERIOD: i64 = 30_000;

#[test]
fn two_hundred_onboardings_at_once_finish_in_the_time_that_the_hubs_limit_allows() {
    alone(async || {
        let burst = Burst::begin(ONBOARDINGS).await;
        burst.bench.live(LATER).await;
        burst.sign_up(burst.others()).await;
        burst.bench.finish(Duration::hours(2)).await;
        let calls = burst.finished().await;
        assert_eq!(calls, ONBOARDINGS * CALLS_EACH, "calls are wasted, or something was left out");
        let (allowed, taken) = (PER_CALL * i32::try_from(calls).unwrap(), burst.last_key().await - burst.begin);
        println!(
            "burst: {ONBOARDINGS} onboardings, {calls} calls in {taken}; the limit allows them in {allowed}: {}",
            over(taken, allowed)
        );
        assert!(taken <= allowed * 1.05, "{taken} for what the limit allows in {allowed}");
        let invocations = burst.bench.deliveries.lock().unwrap().invocations;
        println!("  {invocations} invocations of workers");
        // A message that comes too late is in vain, which happens to one in five hundred.
        let most = calls + calls / 100;
        assert!(invocations <= most, "{invocations} invocations of workers for {calls} calls");
        burst.assert_keys_first(burst.bench.now()).await;
        burst.assert_numbers_first().await;
    });
}

/// An hour with fewer onboardings; where all cases run, six hours and 77 hours with all of them.
#[test]
fn an_outage_of_the_hub_during_a_burst_costs_as_long_as_it_lasts() {
    if !sample::is_everything() {
        return alone(async || outage(PART, Duration::HOUR).await);
    }
    for hours in [6, 77] {
        alone(async || outage(ONBOARDINGS, Duration::hours(hours)).await);
    }
}

async fn outage(onboardings: usize, lasts: Duration) {
    let burst = Burst::begin(onboardings).await;
    let bench = &burst.bench;
    burst.sign_up(burst.others()).await;
    // Half of the time that all take.
    bench.live(PER_CALL * i32::try_from(onboardings * CALLS_EACH / 2).unwrap()).await;
    burst.assert_keys_first(bench.now()).await;
    let before = burst.hub_calls().await;
    let down = |place| {
        if place == Place::Hub { Outcome::Fail(Failure::Status(503), SideEffect::None) } else { Outcome::Pass }
    };
    bench.injection.follow(Box::new(move |call| down(call.place)));
    let tried = bench.layer.arrivals().len();
    bench.live(lasts).await;
    let tried = bench.layer.arrivals().len() - tried;
    bench.injection.calm();
    let back = bench.now();
    bench.finish(Duration::hours(4)).await;
    let calls = burst.finished().await;
    let left = PER_CALL * i32::try_from(calls - before).unwrap();
    let (taken, after) = (burst.last_key().await - burst.begin, burst.last_key().await - back);
    let allowed = PER_CALL * i32::try_from(calls).unwrap() + lasts;
    println!(
        "burst with an outage: {calls} calls in {taken}; the limit and the outage allow them in {allowed}: {}",
        over(taken, allowed)
    );
    println!(
        "  {tried} calls during the outage; after it {} in {after}; the limit allows them in {left}: {}",
        calls - before,
        over(after, left)
    );
    assert!(taken <= allowed * 1.05, "{taken} for what is allowed in {allowed}");
    // One question a minute, and what was on its way when the Hub went down.
    let most = usize::try_from(lasts.whole_minutes()).unwrap() + 2 * CALLS_PER_ROUND;
    assert!(tried <= most, "{tried} calls to a Hub that is down for {lasts}");
    // Whoever was about to create a client account when the Hub went down searches again, and the question that finds it
    // well again is a call too. After a day the sweep reads a page of each of its two lists.
    let sweep = if lasts >= Duration::DAY { 2 } else { 0 };
    let (least, more) = (onboardings * CALLS_EACH, CALLS_PER_ROUND + 1 + sweep);
    assert!((least..=least + more).contains(&calls), "{calls} calls: some are wasted, or something was left out");
}

/// Each of our calls ends after ten seconds, so nobody gets an answer.
#[test]
#[ignore = "waits for real time-outs, for more than a minute: `.ci/full promise` runs it"]
fn a_hub_that_answers_after_25_seconds_leaves_nobody_stuck() {
    alone(async || {
        let burst = Burst::begin(SLOWED).await;
        burst.sign_up(burst.others()).await;
        let bench = &burst.bench;
        for route in ["list_clients", "create_client", "numbers", "list_channels", "api_keys"] {
            bench.order("faults", &json!({"route": route, "delay_ms": 25_000, "times": 1_000_000})).await;
        }
        for _ in 0..6 {
            bench.live(Duration::MINUTE).await;
            for promise in &burst.promises {
                let key = WorkKey::Onboarding(promise.started.id.parse().unwrap());
                let state = bench.stack.twins.store.work(&key).await.unwrap();
                let unanswered = state.map_or(0, |state| state.unanswered);
                assert!(unanswered < 5, "{key:?}: {unanswered} messages without a result");
            }
        }
        bench.clear_faults().await;
        bench.finish(Duration::hours(2)).await;
        let calls = burst.finished().await;
        println!("a Hub that answers after 25 seconds, {SLOWED} at once: nobody is stuck; {calls} calls");
    });
}

fn over(taken: Duration, allowed: Duration) -> String {
    format!("{:+.1} %", (taken / allowed - 1.0) * 100.0)
}

struct Burst {
    bench: TestBench,
    begin: OffsetDateTime,
    promises: Vec<Promise>,
}

impl Burst {
    /// So many start, and three of four sign up, at the same moment. The others sign up when a test lets them.
    async fn begin(onboardings: usize) -> Self {
        let bench = TestBench::new(simulator::Settings::default()).await;
        // What they tell is of no use here and costs the test its time.
        for event in ["client_created", "channel_created", "channel_submitted", "channel_ready", "channel_running"] {
            let lost = json!({"route": format!("webhook.{event}"), "lose": true, "times": 1_000_000});
            bench.order("faults", &lost).await;
        }
        let begin = bench.now();
        let mut promises = Vec::new();
        for number in 0..onboardings {
            let started = bench.start(&reference(number)).await.unwrap();
            promises.push(bench.promise(started).await);
        }
        bench.disturbances.choose([Disturbance::MessagesLate]);
        let burst = Self { bench, begin, promises };
        burst.sign_up(0..burst.at_once()).await;
        burst
    }

    /// How many sign up at once.
    fn at_once(&self) -> usize {
        self.promises.len() * 3 / 4
    }

    fn others(&self) -> Range<usize> {
        self.at_once()..self.promises.len()
    }

    async fn sign_up(&self, numbers: Range<usize>) {
        for number in numbers {
            let started = &self.promises[number].started;
            self.bench.sign_up(started, &format!("one_number:{number}")).await.unwrap();
        }
    }

    /// All are as promised. Returns how many calls the Hub answered.
    async fn finished(&self) -> usize {
        self.bench.kept(&self.promises.iter().collect::<Vec<_>>()).await.unwrap();
        for six in self.bench.layer.arrivals().windows(CALLS_PER_ROUND + 1) {
            assert!(six[CALLS_PER_ROUND] - six[0] >= LIMIT_PERIOD, "{six:?} came to the Hub within 30 seconds");
        }
        self.hub_calls().await
    }

    async fn hub_calls(&self) -> usize {
        let ledger = self.bench.client.ledger().await.unwrap();
        list(&ledger["calls"]).filter(|call| call["service"] == "hub").count()
    }

    async fn last_key(&self) -> OffsetDateTime {
        let ledger = self.bench.client.ledger().await.unwrap();
        list(&ledger["keys"]).map(|key| time(&key["created_at"])).max().unwrap()
    }

    /// Of what happened until then: the question whose channel it is, and its key, wait for one round of the limit each at
    /// most, and let no more than that many numbers pass.
    async fn assert_keys_first(&self, until: OffsetDateTime) {
        let ledger = self.bench.client.ledger().await.unwrap();
        let numbers: Vec<OffsetDateTime> = list(&ledger["numbers"]).map(|number| time(&number["at"])).collect();
        let (mut longest, mut most) = (Duration::ZERO, 0);
        let mut count = 0;
        for channel in list(&ledger["channels"]).filter(|channel| channel["stage"] == "live") {
            let live = time(&channel["modified_at"]);
            let made = list(&ledger["keys"]).find(|key| key["channel_id"] == channel["id"]);
            let made = made.map_or(until, |key| time(&key["created_at"])).min(until);
            if live >= made {
                continue;
            }
            count += 1;
            longest = longest.max(made - live);
            most = most.max(numbers.iter().filter(|number| live < **number && **number < made).count());
        }
        println!("  from live to key: {longest} at most; meanwhile {most} numbers at most; {count} keys");
        assert!(count > 0 && longest <= ROUND * 2, "{longest} from live to key");
        assert!(most <= CALLS_PER_ROUND * 2, "{most} numbers went before a key");
    }

    /// Numbers go before client accounts of those who have not signed up, but for one call in each period, so that nobody waits
    /// for ever.
    async fn assert_numbers_first(&self) {
        let ledger = self.bench.client.ledger().await.unwrap();
        let first: Vec<String> = (0..self.at_once()).map(email).collect();
        let is_first = |client: &&Value| first.iter().any(|email| client["contact_info"]["email"] == *email);
        let others = list(&ledger["clients"]).filter(|client| !is_first(client));
        let others: Vec<OffsetDateTime> = others.map(|client| time(&client["created_at"])).collect();
        assert_eq!(others.len(), self.others().len());
        let last = list(&ledger["numbers"]).take(self.at_once()).map(|number| time(&number["at"])).max().unwrap();
        let before = others.iter().filter(|other| **other < last).count();
        // One is looked up and then created.
        let most = (last - self.begin).whole_seconds() / PERIOD.whole_seconds() / 2 + 1;
        println!("  {before} client accounts of those not signed up before the last number; {most} may be");
        assert!((1..=most).contains(&i64::try_from(before).unwrap()), "{before} went before the last number");
    }
}

fn reference(number: usize) -> String {
    format!("tenant-{number}")
}

fn email(number: usize) -> String {
    json!(local::client::start_body(&reference(number)))["client"]["email"].as_str().unwrap().to_owned()
}

fn time(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}
