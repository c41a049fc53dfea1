//! Random journeys: whole onboardings with everything that can go wrong going wrong at random, from a seed.
//!
//! Without `PROMISE=all`, [`sample`] draws a part of them. `JOURNEY_SEED=1234` runs that one alone, `JOURNEYS=50000` so many,
//! both together so many from there on.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use exchange::Clock;
use fastrand::Rng;
use local::client::Started;
use onboarding::{EventId, SignupSource};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::support::customers::{Manners, one_of};
use crate::support::disturbance::Disturbance;
use crate::support::fault_injection::{Activity, Call, Failure, Outcome, Place, Plan, SideEffect};
use crate::support::parallel_runner::{AtOnce, each};
use crate::support::promise::Promise;
use crate::support::sample;
use crate::support::strangers::{Stranger, forge_live};
use crate::support::test_bench::{START, TestBench};
use crate::timeline;

/// All journeys, if nobody says otherwise.
const JOURNEYS: u64 = 1000;
/// How many of them are a part.
const PART: usize = 25;
/// After this long nothing is left to wait for: a webhook that nobody knows is given up after three days.
const LONG_ENOUGH: Duration = Duration::hours(100);

#[test]
fn random_journeys_end_as_promised() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match (number("JOURNEY_SEED"), number("JOURNEYS")) {
        (None, None) => sample::some("journeys", (0..JOURNEYS).collect(), PART),
        (first, count) => {
            let first = first.unwrap_or_default();
            (first..first + count.unwrap_or(1)).collect()
        }
    };
    let (mut all, mut failed) = (Travelled::default(), Vec::new());
    let total = seeds.len();
    for (seed, outcome) in each(AtOnce::Cores, seeds, travel) {
        match outcome {
            Ok(travelled) => all.add(&travelled),
            Err(error) => failed.push(format!("JOURNEY_SEED={seed}\n{error}")),
        }
    }
    let Travelled { onboardings, claimed, calls, faults, late, events, tries, replays } = all;
    println!(
        "journeys: {total}, with {onboardings} onboardings ({claimed} claimed by the partner), {calls} calls, {faults} of them gone \
         wrong ({late} carried out late); {events} events, told to the partner in {tries} tries, {replays} replays"
    );
    assert!(failed.is_empty(), "{} of {total} journeys failed:\n\n{}", failed.len(), failed.join("\n\n"));
}

#[derive(Default)]
struct Travelled {
    onboardings: usize,
    /// Those that the partner claimed.
    claimed: usize,
    calls: usize,
    faults: usize,
    late: usize,
    /// What the partner was told.
    events: usize,
    /// Requests that came to the partner's webhook.
    tries: usize,
    replays: usize,
}

impl Travelled {
    fn add(&mut self, other: &Self) {
        self.onboardings += other.onboardings;
        self.claimed += other.claimed;
        self.calls += other.calls;
        self.faults += other.faults;
        self.late += other.late;
        self.events += other.events;
        self.tries += other.tries;
        self.replays += other.replays;
    }
}

/// One journey. Of one that does not end as promised, the error tells the story.
async fn travel(seed: u64) -> Result<Travelled, String> {
    let mut dice = Rng::with_seed(seed);
    let bench = TestBench::new(simulator::Settings::default()).await;
    let settings = settings(&mut dice);
    bench.order("settings", &settings).await;
    bench.order("faults", &disturbed_webhooks(&mut dice)).await;
    bench.behave(Manners::random(&mut dice));
    let (faults, outages) = (random_faults(&mut dice), random_outages(&mut dice));
    bench.injection.follow(with_outages(outages, faults, bench.stack.twins.clock.clone()));
    let disturbed = one_of(&mut dice, &[0, 0, 1, 2]);
    bench.disturbances.choose((0..disturbed).map(|_| one_of(&mut dice, &Disturbance::ALL)));

    let mut promises = Vec::new();
    let outcome = match Stranger::arrive(&bench).await {
        Ok(stranger) => match customers(&bench, &mut dice, &settings, &stranger, &mut promises).await {
            Ok(()) => end(&bench, &promises, &stranger).await,
            error => error,
        },
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        return Err(format!("{error}\n{}", story(&bench, &promises).await));
    }
    let mut claimed = 0;
    for promise in &promises {
        let signup = bench.onboarding(&promise.started).await.signup;
        claimed += usize::from(signup.is_some_and(|signup| signup.source == SignupSource::Partner));
    }
    let late = |injected: &Outcome| {
        matches!(injected, Outcome::Crash(SideEffect::Late(_)) | Outcome::Fail(_, SideEffect::Late(_)))
    };
    let faults = bench.injection.faults_after(0);
    Ok(Travelled {
        onboardings: promises.len(),
        claimed,
        calls: bench.injection.calls().len(),
        faults: faults.len(),
        late: faults.into_iter().filter(late).count(),
        events: bench.receiver.events().len(),
        tries: bench.receiver.received().len(),
        replays: bench.replays.lock().unwrap().len(),
    })
}

/// One customer, or up to three, one after the other, the next perhaps before the one before is done.
async fn customers(
    bench: &TestBench,
    dice: &mut Rng,
    settings: &Value,
    stranger: &Stranger,
    promises: &mut Vec<Promise>,
) -> Result<(), String> {
    const ACCOUNTS: [&str; 6] =
        ["one_number", "one_number", "several_numbers", "coexistence", "changed_scopes", "unnarrowed_scopes"];
    const REPORTS: [&[&str]; 3] =
        [&["PARTNER_ADDED"], &["PARTNER_APP_INSTALLED"], &["PARTNER_ADDED", "PARTNER_APP_INSTALLED"]];

    let customers = one_of(dice, &[1, 1, 1, 1, 1, 1, 2, 3]);
    for customer in 0..customers {
        let started = bench.start(&format!("tenant-{customer}")).await?;
        promises.push(bench.promise(started).await);
        if dice.u8(..6) == 0 {
            // What the earlier link still does is for other tests: here the customer has the new one.
            bench.live(pause(dice)).await;
            promises[customer].started = bench.renew(&promises[customer].started).await?;
        }
        let started = &promises[customer].started;
        bench.live(pause(dice)).await;
        let account = format!("{}:{customer}", one_of(dice, &ACCOUNTS));
        for _ in 0..dice.usize(..3) {
            let left = one_of(dice, &["cancel", "error", "report_error", "finish_without_code"]);
            let returned = bench.client.popup(&account, left).await.unwrap();
            bench.hand_over(started, &returned).await;
            bench.live(pause(dice)).await;
        }
        let mut claimed = false;
        if dice.u8(..4) == 0 {
            // Meta's report gives nobody anything: the customer's next click does, or the partner.
            bench.close_tab(started, &account, one_of(dice, &REPORTS)).await?;
            bench.live(pause(dice)).await;
            claimed = dice.bool() && bench.claim(started, &account).await?;
        }
        if !claimed {
            bench.sign_up(started, &account).await?;
        }
        if settings["payment"] == "direct" {
            bench.live(pause(dice)).await;
            grant(bench).await;
        }
        stranger.try_for(bench, dice, &account, started).await;
        if dice.u8(..4) == 0 {
            // More than one message of a replay has told again.
            bench.ask_for_tests(one_of(dice, &[0, 1, 70])).await;
            bench.live(pause(dice)).await;
            let after = one_of(dice, &[START, bench.now() - Duration::HOUR]);
            bench.replay(EventId::lowest(after)).await?;
        }
        bench.live(pause(dice)).await;
        orders(bench, dice, started).await?;
        if customer > 0 && dice.bool() {
            // Customers may be strangers to each other.
            let (own, theirs) = (&promises[customer].started, &promises[customer - 1].started);
            forge_live(bench, &bench.onboarding(own).await, &bench.onboarding(theirs).await).await;
        }
    }
    Ok(())
}

/// What the partner wants of an onboarding, where that fits: it is ready in the end all the same.
async fn orders(bench: &TestBench, dice: &mut Rng, started: &Started) -> Result<(), String> {
    for _ in 0..one_of(dice, &[0, 0, 1, 2]) {
        if dice.bool() {
            bench.want(started, "rotate-key").await?;
        } else if bench.want(started, "disconnect").await? {
            bench.live(pause(dice)).await;
            bench.want(started, "reconnect").await?;
        }
        bench.live(pause(dice)).await;
    }
    Ok(())
}

/// Every client grants permission for all channels that it has and will have.
async fn grant(bench: &TestBench) {
    let ledger = bench.client.ledger().await.unwrap();
    for client in ledger["clients"].as_array().unwrap() {
        bench.order("permission", &json!({"client_id": client["id"], "granted": true})).await;
    }
}

/// Everything works again, and there is time enough.
async fn end(bench: &TestBench, promises: &[Promise], stranger: &Stranger) -> Result<(), String> {
    bench.injection.calm();
    bench.behave(Manners::default());
    bench.clear_faults().await;
    // By then Meta was asked again for a signup that no page handed over.
    bench.live(Duration::hours(2)).await;
    for promise in promises {
        bench.choose_number(&promise.started).await?;
    }
    bench.live(Duration::minutes(20)).await;
    grant(bench).await;
    bench.finish(LONG_ENOUGH).await;
    bench.kept_from(&promises.iter().collect::<Vec<_>>(), &[stranger]).await
}

/// From moments to hours.
fn pause(dice: &mut Rng) -> Duration {
    let longest = one_of(dice, &[1, 10, 60, 600, 7200]);
    Duration::milliseconds(dice.i64(0..longest * 1000))
}

fn settings(dice: &mut Rng) -> Value {
    json!({
        "payment": one_of(dice, &["partner", "partner", "partner", "direct"]),
        "live_after_ms": one_of(dice, &[0, 300, 20_000, 1_800_000]),
        "listing_lag_ms": one_of(dice, &[0, 0, 600_000]),
        "client_lag_ms": one_of(dice, &[0, 0, 10_000, 60_000]),
        "webhook_shape": one_of(dice, &["full", "full", "flat", "legacy", "array", "duplicate"]),
        "webhook_signature": one_of(dice, &["good", "prefixed"]),
        "email_filter": one_of(dice, &["honored", "ignored"]),
    })
}

/// Webhooks that are lost, come several times, late or early.
fn disturbed_webhooks(dice: &mut Rng) -> Value {
    let mut faults = Vec::new();
    for event in simulator::EVENTS {
        let route = format!("webhook.{event}");
        // The stages before the last say little, and often nobody tells of them.
        let stage = ["channel_created", "channel_submitted", "channel_ready"].contains(&event) && dice.bool();
        match if stage { 0 } else { dice.u8(..6) } {
            0 => faults.push(json!({"route": route, "lose": true, "times": dice.u32(1..4)})),
            1 => faults.push(json!({"route": route, "copies": dice.u32(2..6)})),
            2 => faults.push(json!({"route": route, "delay_ms": dice.u32(..7_200_000)})),
            3 if event == "channel_live" => faults.push(json!({"route": route, "copies": 3, "early": dice.u32(1..4)})),
            _ => {}
        }
    }
    json!(faults)
}

/// How often calls go wrong, for how many calls, and how. Each call has dice of its own, by what it is and how many like it
/// there were, so that calls that change places keep their outcomes.
fn random_faults(dice: &mut Rng) -> Plan {
    let often = one_of(dice, &[0.0, 0.01, 0.03, 0.08, 0.15]);
    let mut left = dice.usize(100..400);
    let seed = dice.u64(..);
    let mut like: HashMap<(Activity, Place, String), u32> = HashMap::new();
    Box::new(move |call| {
        left = left.saturating_sub(1);
        let kind = (call.during, call.place, call.what.clone());
        let before = like.entry(kind.clone()).or_default();
        *before += 1;
        let mut hasher = DefaultHasher::new();
        (seed, kind, *before).hash(&mut hasher);
        let mut dice = Rng::with_seed(hasher.finish());
        if left == 0 || dice.f64() >= often { Outcome::Pass } else { random_outcome(&mut dice, call) }
    })
}

/// While the partner's webhook or the event bus takes nothing.
struct Outage {
    place: Place,
    from: OffsetDateTime,
    until: OffsetDateTime,
    failure: Failure,
}

/// From moments to most of a day, and never as long as the webhook is tried.
fn random_outages(dice: &mut Rng) -> Vec<Outage> {
    let mut outages = Vec::new();
    let kinds: [(Place, &[Failure]); 2] = [
        (Place::Partner, &[Failure::Status(500), Failure::Status(410), Failure::Reset]),
        (Place::Bus, &[Failure::Refused]),
    ];
    for (place, failures) in kinds {
        for _ in 0..one_of(dice, &[0, 0, 1, 2]) {
            let latest = one_of(dice, &[1, 600, 7200]);
            let from = START + Duration::seconds(dice.i64(0..latest));
            let until = from + Duration::seconds(one_of(dice, &[30, 900, 10_800, 72_000]));
            outages.push(Outage { place, from, until, failure: one_of(dice, failures) });
        }
    }
    outages
}

/// The plan, besides these outages.
fn with_outages(outages: Vec<Outage>, mut plan: Plan, clock: Clock) -> Plan {
    Box::new(move |call| {
        let now = clock.now();
        let is_down = |outage: &&Outage| outage.place == call.place && outage.from <= now && now < outage.until;
        let outage = outages.iter().find(is_down);
        outage.map_or_else(|| plan(call), |outage| Outcome::Fail(outage.failure, SideEffect::None))
    })
}

fn random_outcome(dice: &mut Rng, call: &Call) -> Outcome {
    let ordered = call.place == Place::Hub && call.what.starts_with("POST");
    let effect = match dice.u8(..5) {
        // With the lag of its listing, a client account is seen before it is given up that there will be one.
        1..=3 if ordered => SideEffect::Late(dice.u8(1..45)),
        0 | 1 => SideEffect::None,
        _ => SideEffect::Done,
    };
    if dice.u8(..4) == 0 {
        return Outcome::Crash(effect);
    }
    let failures: &[Failure] = match call.place {
        Place::Table => {
            &[Failure::Throttled, Failure::ConditionLost(0), Failure::Conflict, Failure::Status(500), Failure::Reset]
        }
        Place::Queue => &[Failure::Refused, Failure::Vanished],
        Place::Vault | Place::Bus => &[Failure::Refused],
        // What is answered with 2xx is told.
        Place::Partner => &[Failure::Status(307), Failure::Status(500), Failure::Reset],
        Place::Hub => {
            &[Failure::Status(401), Failure::Status(429), Failure::Status(500), Failure::Reset, Failure::Garbage]
        }
        Place::Meta | Place::Messaging => {
            &[Failure::Status(429), Failure::Status(500), Failure::Reset, Failure::Garbage]
        }
    };
    let failure = one_of(dice, failures);
    match failure {
        // What DynamoDB refuses has no effect, and what vanishes neither.
        Failure::Throttled | Failure::ConditionLost(_) | Failure::Conflict | Failure::Vanished => {
            Outcome::Fail(failure, SideEffect::None)
        }
        // A credential is looked at before anything is done.
        Failure::Status(401) => Outcome::Fail(failure, SideEffect::None),
        _ => Outcome::Fail(failure, effect),
    }
}

/// What happened, for whoever has to find out why.
async fn story(bench: &TestBench, promises: &[Promise]) -> String {
    bench.injection.calm();
    let ledger = bench.client.ledger().await.unwrap();
    let mut story = Vec::new();
    for promise in promises {
        let record = bench.client.record(&promise.started.id).await.unwrap();
        story.push(format!("{}\n{record:#}", timeline::render(&record, &ledger)));
    }
    story.extend(bench.injection.gone_wrong());
    story.join("\n")
}
