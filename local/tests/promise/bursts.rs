//! Two hundred at once, with the documented limit of 5 calls in 30 seconds: none is refused, none is lost, no time is
//! wasted, and who is nearest to the end goes first.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::cases::each;
use crate::outside::{Effect, Fate, Place, Trouble};
use crate::promise::{Promise, list};
use crate::world::World;

const ONBOARDINGS: usize = 200;
/// So many sign up at once; the others only start, and sign up when the first ones are nearly done.
const AT_ONCE: usize = 150;
const LATER: Duration = Duration::seconds(3900);
/// 5 calls in 30 seconds.
const PER_CALL: Duration = Duration::seconds(6);
/// Lookup, client account, number, key.
const CALLS_EACH: usize = 4;
/// How long the Hub is down.
const OUTAGE: Duration = Duration::hours(6);

#[test]
fn two_hundred_at_once_finish_in_the_time_that_the_limit_allows() {
    alone(async || {
        let burst = Burst::begin().await;
        burst.world.live(LATER).await;
        burst.sign_up(AT_ONCE..ONBOARDINGS).await;
        burst.world.finish(Duration::hours(2)).await;
        let calls = burst.finished().await;
        assert_eq!(calls, ONBOARDINGS * CALLS_EACH, "calls are wasted, or something was left out");
        let (allowed, taken) = (PER_CALL * i32::try_from(calls).unwrap(), burst.last_key().await - burst.begin);
        println!(
            "burst: {ONBOARDINGS} onboardings, {calls} calls in {taken}; the limit allows them in {allowed}: {}",
            over(taken, allowed)
        );
        assert!(taken <= allowed * 1.05, "{taken} for what the limit allows in {allowed}");
        burst.assert_order().await;
    });
}

#[test]
fn six_hours_without_a_hub_in_the_middle_of_it_cost_six_hours() {
    alone(async || {
        let burst = Burst::begin().await;
        let world = &burst.world;
        burst.sign_up(AT_ONCE..ONBOARDINGS).await;
        world.live(Duration::minutes(40)).await;
        let before = burst.hub_calls().await;
        let down =
            |place| if place == Place::Hub { Fate::Fail(Trouble::Status(503), Effect::None) } else { Fate::Pass };
        world.outside.follow(Box::new(move |call| down(call.place)));
        world.live(OUTAGE).await;
        world.outside.calm();
        let back = world.now();
        world.finish(Duration::hours(4)).await;
        let calls = burst.finished().await;
        let left = PER_CALL * i32::try_from(calls - before).unwrap();
        let (taken, after) = (burst.last_key().await - burst.begin, burst.last_key().await - back);
        let allowed = PER_CALL * i32::try_from(calls).unwrap() + OUTAGE;
        println!(
            "burst with an outage: {calls} calls in {taken}; the limit and the outage allow them in {allowed}: {}",
            over(taken, allowed)
        );
        println!(
            "  after the outage: {} calls in {after}; the limit allows them in {left}: {}",
            calls - before,
            over(after, left)
        );
        assert!(taken <= allowed * 1.05, "{taken} for what is allowed in {allowed}");
        // Whoever was about to create a client account when the Hub went down searches again.
        let (least, searches) = (ONBOARDINGS * CALLS_EACH, ONBOARDINGS / 10);
        assert!((least..=least + searches).contains(&calls), "calls are wasted, or something was left out");
    });
}

fn over(taken: Duration, allowed: Duration) -> String {
    format!("{:+.1} %", (taken / allowed - 1.0) * 100.0)
}

/// Runs one world with a stack of its own.
fn alone(test: impl AsyncFn() + Send + Sync) {
    for ((), outcome) in each(vec![()], async |()| {
        test().await;
        Ok(())
    }) {
        outcome.unwrap();
    }
}

struct Burst {
    world: World,
    begin: OffsetDateTime,
    promises: Vec<Promise>,
}

impl Burst {
    /// All start, and most sign up, at the same moment.
    async fn begin() -> Self {
        let world = World::new(simulator::Settings::default()).await;
        // What they tell is of no use here and costs the test its time.
        for event in ["client_created", "channel_created", "channel_submitted", "channel_ready", "channel_running"] {
            let lost = json!({"route": format!("webhook.{event}"), "lose": true, "times": 1_000_000});
            world.order("faults", &lost).await;
        }
        let begin = world.now();
        let mut promises = Vec::new();
        for number in 0..ONBOARDINGS {
            let started = world.start(&reference(number)).await.unwrap();
            promises.push(world.promise(started).await);
        }
        let burst = Self { world, begin, promises };
        burst.sign_up(0..AT_ONCE).await;
        burst
    }

    async fn sign_up(&self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let started = &self.promises[number].started;
            self.world.sign_up(started, &format!("one_number:{number}")).await.unwrap();
        }
    }

    /// All are as promised. Returns how many calls the Hub answered.
    async fn finished(&self) -> usize {
        self.world.kept(&self.promises.iter().collect::<Vec<_>>()).await.unwrap();
        self.hub_calls().await
    }

    async fn hub_calls(&self) -> usize {
        let ledger = self.world.client.ledger().await.unwrap();
        list(&ledger["calls"]).filter(|call| call["service"] == "hub").count()
    }

    async fn last_key(&self) -> OffsetDateTime {
        let ledger = self.world.client.ledger().await.unwrap();
        list(&ledger["keys"]).map(|key| time(&key["created_at"])).max().unwrap()
    }

    /// Keys go before numbers, and numbers before client accounts of those who have not signed up.
    async fn assert_order(&self) {
        let ledger = self.world.client.ledger().await.unwrap();
        let live = |id: &Value| {
            let channel = list(&ledger["channels"]).find(|channel| channel["id"] == *id).unwrap();
            time(&channel["modified_at"])
        };
        let mut waits: Vec<Duration> =
            list(&ledger["keys"]).map(|key| time(&key["created_at"]) - live(&key["channel_id"])).collect();
        waits.sort();
        let (half, most) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        println!("  from live to key: {half} for half of them, {most} at most");
        // Two rounds of the limit, however many numbers and client accounts wait.
        assert!(most <= Duration::seconds(70), "{most} from live to key");

        let first: Vec<String> = (0..AT_ONCE).map(email).collect();
        let created = |wanted: bool| {
            let clients = list(&ledger["clients"])
                .filter(move |client| first.iter().any(|email| client["contact_info"]["email"] == *email) == wanted);
            clients.map(|client| time(&client["created_at"])).collect::<Vec<_>>()
        };
        let others = created(false);
        assert_eq!(others.len(), ONBOARDINGS - AT_ONCE);
        let numbers: Vec<OffsetDateTime> = list(&ledger["numbers"]).map(|number| time(&number["at"])).collect();
        let numbers = &numbers[..AT_ONCE];
        let pairs = numbers.iter().flat_map(|number| others.iter().map(move |client| number <= client));
        let right = pairs.clone().filter(|right| *right).count();
        let all = pairs.count();
        println!("  numbers before client accounts of those not signed up: {right} of {all} pairs");
        assert!(right * 100 >= all * 95, "numbers went first in only {right} of {all} pairs");
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
