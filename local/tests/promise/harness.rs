//! The harness that every step passes: run twice, run ten times at once, cut off before and after each call, and each
//! call gone wrong in every way that its place knows.

use std::collections::BTreeMap;

use crate::cases::each;
use crate::journey::{Blow, Case, Scenario};
use crate::outside::{Activity, Call, Effect, Fate, Place, Trouble};
use crate::world::Times;

const ACTIVITIES: [Activity; 8] = [
    Activity::Start,
    Activity::EsCallback,
    Activity::NumberChoice,
    Activity::WebhookReceipt,
    Activity::ClientAccount,
    Activity::NumberSubmission,
    Activity::KeyCreation,
    Activity::Reconciliation,
];

/// Which journey shows an activity at work, and which of its calls are looked at there.
const SHOWN: [(Scenario, &[Activity]); 4] = [
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
    (Scenario::Choice, &[Activity::NumberChoice]),
    (Scenario::Permission, &[Activity::KeyCreation]),
];

/// Every call of every activity, from journeys in which nothing goes wrong.
fn all_calls() -> Vec<(Scenario, Call)> {
    let journeys = each(SHOWN.to_vec(), async |(scenario, _)| Case::undisturbed(scenario).travel().await);
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
}

/// The cases in which these things befall every call at these places.
fn blows(places: &[Place], fates: &[(Fate, usize)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (scenario, call) in all_calls().into_iter().filter(|(_, call)| places.contains(&call.place)) {
        for (fate, times) in fates {
            let blow = Some(Blow { call: call.clone(), fate: *fate, times: *times });
            cases.push(Case { scenario, blow, repeated: None });
        }
    }
    cases
}

/// Runs the cases and prints how many there were of each activity. Fails with all that broke the promise. Returns how many
/// could happen at all: some calls have no condition that could be lost.
fn pass(class: &str, cases: Vec<Case>, activity: impl Fn(&Case) -> Activity) -> usize {
    let total = cases.len();
    let mut counts: BTreeMap<Activity, usize> = BTreeMap::new();
    let (mut idle, mut broken) = (0, Vec::new());
    for (case, outcome) in each(cases, async |case: Case| case.travel().await) {
        match outcome {
            Ok(travelled) if case.blow.is_some() && travelled.troubles == 0 => idle += 1,
            Ok(_) => *counts.entry(activity(&case)).or_default() += 1,
            Err(error) => broken.push(format!("{case:?}:\n    {error}")),
        }
    }
    let counted: Vec<String> = counts.iter().map(|(activity, count)| format!("{activity:?} {count}")).collect();
    println!("harness, {class}: {} cases ({})", total - idle, counted.join(", "));
    assert!(broken.is_empty(), "{class}: {} of {total} broken:\n{}", broken.len(), broken.join("\n"));
    assert_eq!(counts.values().sum::<usize>() + idle, total);
    total - idle
}

fn of_blow(case: &Case) -> Activity {
    case.blow.as_ref().unwrap().call.during
}

fn repeated(class: &str, times: Times) {
    let shown = |activity: Activity| SHOWN.iter().find(|(_, shown)| shown.contains(&activity)).unwrap().0;
    let cases =
        ACTIVITIES.map(|activity| Case { scenario: shown(activity), blow: None, repeated: Some((activity, times)) });
    assert_eq!(pass(class, cases.to_vec(), |case| case.repeated.unwrap().0), ACTIVITIES.len());
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
    let fates = [(Fate::Crash(Effect::None), 1), (Fate::Crash(Effect::Done), 1)];
    let cases = blows(&EVERYWHERE, &fates);
    let expected = cases.len();
    assert_eq!(pass("crashed before and after every call", cases, of_blow), expected);
}

#[test]
fn every_call_to_hub_meta_and_messaging_gone_wrong() {
    let fail = |trouble, effect| (Fate::Fail(trouble, effect), 1);
    let fates = [
        fail(Trouble::Status(429), Effect::None),
        fail(Trouble::Status(429), Effect::Done),
        fail(Trouble::Status(500), Effect::None),
        fail(Trouble::Status(500), Effect::Done),
        fail(Trouble::Reset, Effect::None),
        fail(Trouble::Reset, Effect::Done),
        fail(Trouble::Garbage, Effect::None),
        fail(Trouble::Garbage, Effect::Done),
    ];
    let cases = blows(&[Place::Hub, Place::Meta, Place::Messaging], &fates);
    let expected = cases.len();
    assert_eq!(pass("429, 500, reset, garbage", cases, of_blow), expected);
}

/// Our clients give up after ten seconds, and these are real.
#[test]
fn every_call_to_hub_meta_and_messaging_unanswered() {
    let fates = [Effect::None, Effect::Done].map(|effect| (Fate::Fail(Trouble::Silence, effect), 1));
    let cases = blows(&[Place::Hub, Place::Meta, Place::Messaging], &fates);
    let expected = cases.len();
    assert_eq!(pass("time-out", cases, of_blow), expected);
}

#[test]
fn every_call_to_the_table_gone_wrong() {
    let fates = [
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
    let cases = blows(&[Place::Table], &fates);
    let expected = cases.len();
    assert_eq!(pass("table throttled, answer lost, conflict", cases, of_blow), expected);
}

#[test]
fn every_condition_lost() {
    let fates = [1, 8].map(|times| (Fate::Fail(Trouble::ConditionLost, Effect::None), times));
    let cases = blows(&[Place::Table], &fates);
    let conditional = cases.iter().filter(|case| is_conditional(&case.blow.as_ref().unwrap().call)).count();
    // The claims of the code and of the search, and the first token, make what was not there: nobody can be faster. Once,
    // the later ones like them are hit instead.
    let making = 4;
    assert_eq!(pass("condition lost", cases, of_blow), conditional - making);
}

/// Whether a write has a condition that others can make fail: it changes what is there. The note that a customer went to
/// Meta, and the place of the sweep, are written whatever is there.
fn is_conditional(call: &Call) -> bool {
    let anyway = ["UpdateItem POPUP", "UpdateItem SWEEP"].iter().any(|what| call.what.starts_with(what));
    !anyway && (call.what.starts_with("TransactWriteItems") || call.what.starts_with("UpdateItem"))
}

#[test]
fn every_call_to_queue_and_vault_gone_wrong() {
    let fail = |effect, times| (Fate::Fail(Trouble::Refused, effect), times);
    let fates = [
        fail(Effect::None, 1),
        fail(Effect::Done, 1),
        // Longer than a key that was just made is held on to.
        fail(Effect::None, 4),
    ];
    let cases = blows(&[Place::Queue, Place::Vault], &fates);
    let expected = cases.len();
    assert_eq!(pass("queue and vault", cases, of_blow), expected);
}
