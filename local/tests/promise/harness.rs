//! The harness that every step passes: run twice, run ten times at once, cut off before and after each call, and each
//! call gone wrong in every way that its place knows.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::cases::{AtOnce, each};
use crate::journey::{Blow, Case, Scenario};
use crate::outside::{Activity, Call, Effect, Fate, Place, Trouble};
use crate::sample;
use crate::world::Times;

/// Which journey shows an activity at work, and which of its calls are looked at there.
const SHOWN: [(Scenario, &[Activity]); 8] = [
    (
        Scenario::Smooth,
        &[
            Activity::Start,
            Activity::EsCallback,
            Activity::WebhookReceipt,
            Activity::ClientAccount,
            Activity::NumberSubmission,
            Activity::KeyCreation,
        ],
    ),
    (Scenario::Silent, &[Activity::Reconciliation]),
    (Scenario::Swept, &[Activity::Reconciliation]),
    (Scenario::Choice, &[Activity::NumberChoice]),
    (Scenario::Permission, &[Activity::KeyCreation]),
    (Scenario::ClosedTab, &[Activity::EsCallback, Activity::Reconciliation]),
    (Scenario::ClientRefused, &[Activity::Retry]),
    (Scenario::NumberRefused, &[Activity::Retry]),
];

/// Every call of every activity, from journeys in which nothing goes wrong.
static ALL_CALLS: LazyLock<Vec<(Scenario, Call)>> = LazyLock::new(|| {
    let journeys =
        each(AtOnce::Cores, SHOWN.to_vec(), async |(scenario, _)| Case::undisturbed(scenario).travel().await);
    let mut all = Vec::new();
    for ((scenario, activities), outcome) in journeys {
        let calls = outcome.unwrap().calls;
        for activity in activities {
            assert!(calls.iter().any(|call| call.during == *activity), "{activity:?} is not at work in {scenario:?}");
        }
        let looked_at = calls.into_iter().filter(|call| activities.contains(&call.during));
        all.extend(looked_at.map(|call| (scenario, call)));
    }
    all
});

/// Of the cases that are not the first of their kind, a part has one in so many.
const SHARE: usize = 10;

/// What a part has at least one case of.
#[derive(PartialEq, Eq, Hash)]
enum Kind {
    /// An activity, in each journey that shows it.
    Activity(Scenario, Activity),
    /// A call of an activity.
    Call(Activity, Place, String),
    /// A way to go wrong, and for how many calls.
    Fate(Fate, usize),
}

fn kinds(case: &Case) -> Vec<Kind> {
    let repeated = case.repeated.map(|(activity, _)| Kind::Activity(case.scenario, activity));
    let blow = case.blow.iter().flat_map(|Blow { call, fate, times }| {
        [
            Kind::Activity(case.scenario, call.during),
            Kind::Call(call.during, call.place, call.what.clone()),
            Kind::Fate(*fate, *times),
        ]
    });
    repeated.into_iter().chain(blow).collect()
}

/// Whether a case waits for a real time-out.
fn waits(case: &Case) -> bool {
    case.blow.as_ref().is_some_and(|blow| matches!(blow.fate, Fate::Fail(Trouble::Silence, _)))
}

/// The cases in which these things befall every call at these places.
fn blows(places: &[Place], fates: impl Fn(&Call) -> Vec<(Fate, usize)>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (scenario, call) in ALL_CALLS.iter().filter(|(_, call)| places.contains(&call.place)) {
        for (fate, times) in fates(call) {
            let blow = Some(Blow { call: call.clone(), fate, times });
            cases.push(Case { scenario: *scenario, blow, repeated: None });
        }
    }
    cases
}

/// Runs a part of the cases, or all, and prints how many there were of each activity. Fails with all that broke the promise.
/// Returns the calls to which nothing could happen.
fn pass(class: &str, cases: Vec<Case>, activity: impl Fn(&Case) -> Activity) -> Vec<Call> {
    let cases = sample::part(&format!("harness, {class}"), cases, SHARE, kinds);
    let at_once = if cases.iter().any(waits) { AtOnce::Waiting } else { AtOnce::Cores };
    let total = cases.len();
    let mut counts: BTreeMap<Activity, usize> = BTreeMap::new();
    let (mut idle, mut broken) = (Vec::new(), Vec::new());
    for (case, outcome) in each(at_once, cases, async |case: Case| case.travel().await) {
        match outcome {
            Err(error) => broken.push(format!("{case:?}:\n    {error}")),
            Ok(travelled) => match case.blow {
                Some(blow) if travelled.troubles == 0 => idle.push(blow.call),
                _ => *counts.entry(activity(&case)).or_default() += 1,
            },
        }
    }
    let counted: Vec<String> = counts.iter().map(|(activity, count)| format!("{activity:?} {count}")).collect();
    println!("harness, {class}: {} cases ({})", total - idle.len(), counted.join(", "));
    assert!(broken.is_empty(), "{class}: {} of {total} broken:\n{}", broken.len(), broken.join("\n"));
    assert_eq!(counts.values().sum::<usize>() + idle.len(), total);
    idle
}

/// [`pass`], for blows that every call can be dealt.
fn all_pass(class: &str, cases: Vec<Case>) {
    let idle = pass(class, cases, of_blow);
    assert!(idle.is_empty(), "{class}: nothing happened to {idle:?}");
}

fn of_blow(case: &Case) -> Activity {
    case.blow.as_ref().unwrap().call.during
}

fn repeated(class: &str, times: Times) {
    let one = |scenario, activity| Case { scenario, blow: None, repeated: Some((activity, times)) };
    let cases =
        SHOWN.iter().flat_map(|(scenario, activities)| activities.iter().map(|activity| one(*scenario, *activity)));
    pass(class, cases.collect(), |case| case.repeated.unwrap().0);
}

#[test]
fn everything_done_twice() {
    repeated("done twice", Times::InARow(2));
}

#[test]
fn everything_done_ten_times_at_once() {
    repeated("done ten times at once", Times::AtOnce(10));
}

const EVERYWHERE: [Place; 6] = [Place::Table, Place::Queue, Place::Vault, Place::Hub, Place::Meta, Place::Messaging];

#[test]
fn crashed_before_and_after_every_call() {
    let fates = vec![(Fate::Crash(Effect::None), 1), (Fate::Crash(Effect::Done), 1)];
    all_pass("crashed before and after every call", blows(&EVERYWHERE, |_| fates.clone()));
}

#[test]
fn every_call_to_hub_meta_and_messaging_gone_wrong() {
    let fail = |trouble, effect| (Fate::Fail(trouble, effect), 1);
    let fates = vec![
        fail(Trouble::Status(429), Effect::None),
        fail(Trouble::Status(429), Effect::Done),
        fail(Trouble::Status(500), Effect::None),
        fail(Trouble::Status(500), Effect::Done),
        fail(Trouble::Reset, Effect::None),
        fail(Trouble::Reset, Effect::Done),
        fail(Trouble::Garbage, Effect::None),
        fail(Trouble::Garbage, Effect::Done),
    ];
    all_pass("429, 500, reset, garbage", blows(&[Place::Hub, Place::Meta, Place::Messaging], |_| fates.clone()));
}

/// Our clients give up after ten seconds, and these are real.
#[test]
fn every_call_to_hub_meta_and_messaging_unanswered() {
    let fates = [Effect::None, Effect::Done].map(|effect| (Fate::Fail(Trouble::Silence, effect), 1)).to_vec();
    all_pass("time-out", blows(&[Place::Hub, Place::Meta, Place::Messaging], |_| fates.clone()));
}

/// The Hub does what it was asked for when we have long been told that it failed.
#[test]
fn every_order_to_the_hub_carried_out_late() {
    all_pass("late", blows(&[Place::Hub], late));
}

fn late(call: &Call) -> Vec<(Fate, usize)> {
    // After an unclear answer nothing is asked for again before the Hub must be done: two minutes for a client account, one
    // for a key.
    let delays = match call.what.as_str() {
        "POST api/partners/account_sharing/clients" | "POST api/partners/account_sharing/numbers" => [15, 60],
        "POST api/partners/channels/api_keys" => [15, 50],
        _ => return Vec::new(),
    };
    let fates = |delay| {
        let late = Effect::Late(delay);
        let troubles = [Trouble::Status(504), Trouble::Reset, Trouble::Silence];
        troubles.map(|trouble| Fate::Fail(trouble, late)).into_iter().chain([Fate::Crash(late)])
    };
    delays.into_iter().flat_map(fates).map(|fate| (fate, 1)).collect()
}

#[test]
fn every_call_to_the_table_gone_wrong() {
    let fates = vec![
        // Mended by the SDK, which tries three times.
        (Fate::Fail(Trouble::Throttled, Effect::None), 1),
        (Fate::Fail(Trouble::Reset, Effect::Done), 1),
        // Not mended by the SDK.
        (Fate::Fail(Trouble::Throttled, Effect::None), 3),
        (Fate::Fail(Trouble::Status(500), Effect::Done), 3),
        // Somebody else is at the item, once or for long.
        (Fate::Fail(Trouble::Conflict, Effect::None), 1),
        (Fate::Fail(Trouble::Conflict, Effect::None), 8),
    ];
    all_pass("table throttled, answer lost, conflict", blows(&[Place::Table], |_| fates.clone()));
}

#[test]
fn every_condition_lost() {
    // The conditions after a transaction's first say whose a number or a channel is, which does not change all the time.
    let times = |number| if number == 0 { vec![1, 8] } else { vec![1] };
    let fate = |number| Fate::Fail(Trouble::ConditionLost(number), Effect::None);
    let lost = |number| times(number).into_iter().map(move |times| (fate(number), times));
    let cases = blows(&[Place::Table], |call| (0..conditions(call)).flat_map(lost).collect());
    // These make what was not there, so that nobody can be faster, and there is no later call like them to be hit instead.
    let making = ["UpdateItem CODE", "UpdateItem SEARCH", "UpdateItem LIMIT"];
    let idle = pass("condition lost", cases, of_blow);
    let others = idle.iter().filter(|call| !making.iter().any(|making| call.what.starts_with(making)));
    assert_eq!(others.count(), 0, "nothing happened to {idle:?}");
}

/// How many conditions a write has that others can make fail. The note that a customer went to Meta, and the place of the
/// sweep, are written whatever is there.
fn conditions(call: &Call) -> usize {
    let mut words = call.what.split(' ');
    match (words.next(), words.next()) {
        (Some("UpdateItem"), Some("POPUP" | "SWEEP")) => 0,
        (Some("UpdateItem"), _) => 1,
        (Some("TransactWriteItems"), _) => call.what.split(' ').count() - 1,
        _ => 0,
    }
}

#[test]
fn every_call_to_queue_and_vault_gone_wrong() {
    let fail = |effect, times| (Fate::Fail(Trouble::Refused, effect), times);
    let fates = vec![
        fail(Effect::None, 1),
        fail(Effect::Done, 1),
        // Longer than a key that was just made is held on to.
        fail(Effect::None, 4),
    ];
    all_pass("queue and vault", blows(&[Place::Queue, Place::Vault], |_| fates.clone()));
}
