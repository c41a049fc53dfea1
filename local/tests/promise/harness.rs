//! The harness that every step passes: run twice, run ten times at once, cut off before and after each call, and each
//! call gone wrong in every way that its place knows.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use crate::support::disturbance::Disturbance;
use crate::support::fault_injection::{Activity, Call, Failure, Outcome, Place, SideEffect};
use crate::support::journey::{Case, InjectedFault, Scenario};
use crate::support::parallel_runner::{AtOnce, each};
use crate::support::sample;
use crate::support::test_bench::Times;
use onboarding::Step;

/// Which journey shows an activity at work, and which of its calls are looked at there.
const SHOWN: [(Scenario, &[Activity]); 17] = [
    (
        Scenario::Smooth,
        &[
            Activity::Start,
            Activity::Step(Step::EsCallback),
            Activity::WebhookReceipt,
            Activity::Dispatcher,
            Activity::Step(Step::ClientAccount),
            Activity::Step(Step::NumberSubmission),
            Activity::Step(Step::KeyCreation),
            Activity::Publishing,
        ],
    ),
    (Scenario::Silent, &[Activity::Dispatcher, Activity::Step(Step::NumberSubmission)]),
    (Scenario::Swept, &[Activity::Dispatcher, Activity::Step(Step::NumberSubmission)]),
    (Scenario::Choice, &[Activity::NumberChoice]),
    (Scenario::Permission, &[Activity::Step(Step::KeyCreation)]),
    (Scenario::ClosedTab, &[Activity::Step(Step::EsCallback), Activity::Reconciliation]),
    (Scenario::Claimed, &[Activity::Claim]),
    (Scenario::ClientRefused, &[Activity::Retry]),
    (Scenario::NumberRefused, &[Activity::Retry]),
    (Scenario::PartnerDown, &[Activity::Publishing, Activity::Dispatcher]),
    (Scenario::Replayed, &[Activity::Replay, Activity::Publishing]),
    (Scenario::Rotated, &[Activity::Order, Activity::Step(Step::KeyCreation)]),
    (Scenario::Kept, &[Activity::Order, Activity::Step(Step::NumberSubmission)]),
    (Scenario::Left, &[Activity::Step(Step::KeyCreation), Activity::Reconciliation]),
    (Scenario::Erased, &[Activity::Order]),
    (Scenario::Imported, &[Activity::Order, Activity::Step(Step::NumberSubmission)]),
    (Scenario::CalledOff, &[Activity::Order, Activity::Step(Step::NumberSubmission), Activity::WebhookReceipt]),
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
        let looked_at = without_repeated_reads(own_calls(scenario, calls));
        let looked_at = looked_at.filter(|call| activities.contains(&call.during));
        all.extend(looked_at.map(|call| (scenario, call)));
    }
    all
});

/// Those that a journey makes beside those of the smooth one, where that is a part of it.
fn own_calls(scenario: Scenario, mut calls: Vec<Call>) -> Vec<Call> {
    match scenario {
        // What becomes of the webhook as a whole, and the choice of the event with which it is tried.
        Scenario::PartnerDown => {
            calls.retain(|call| call.what.contains("ENDPOINT") || call.what.starts_with("BatchGetItem"));
        }
        // The replay itself. That the events are told is nothing new.
        Scenario::Replayed => {
            let last = calls.iter().rposition(|call| call.what.starts_with("UpdateItem REPLAY")).unwrap();
            calls.truncate(last + 1);
        }
        // The deletion of the keys, and not the sweeps and looks of the month before it.
        Scenario::Left => calls.retain(|call| call.place == Place::Vault || call.what.contains("ONB")),
        Scenario::Kept | Scenario::CalledOff | Scenario::Imported => calls.retain(|call| !call.what.contains("SWEEP")),
        _ => {}
    }
    calls
}

/// Of the same reads that follow each other, and between which nothing is written, only the first: what goes wrong at the
/// others meets the same table.
fn without_repeated_reads(calls: Vec<Call>) -> impl Iterator<Item = Call> {
    let mut since_write = HashSet::new();
    calls.into_iter().filter(move |call| {
        let reads = call.place == Place::Table && ["GetItem", "Query"].iter().any(|read| call.what.starts_with(read));
        if !reads {
            since_write.clear();
        }
        !reads || since_write.insert((call.during, call.what.clone()))
    })
}

/// Of the cases that are not the first of their kind, a part has one in so many.
const SHARE: usize = 80;

/// What a part has at least one case of.
#[derive(PartialEq, Eq, Hash)]
enum Kind {
    /// An activity, in each journey that shows it.
    Activity(Scenario, Activity),
    /// A call of an activity.
    Call(Activity, Place, String),
    /// A way to go wrong, and for how many calls.
    Outcome(Outcome, usize),
    /// What goes wrong between the calls.
    Disturbance(Disturbance),
}

fn kinds(case: &Case) -> Vec<Kind> {
    let repeated = case.repeated.map(|(activity, _)| Kind::Activity(case.scenario, activity));
    let fault = case.fault.iter().flat_map(|InjectedFault { call, outcome, times }| {
        [
            Kind::Activity(case.scenario, call.during),
            Kind::Call(call.during, call.place, call.what.clone()),
            Kind::Outcome(*outcome, *times),
        ]
    });
    repeated.into_iter().chain(fault).chain(case.disturbance.map(Kind::Disturbance)).collect()
}

/// Whether a case waits for a real time-out.
fn waits(case: &Case) -> bool {
    case.fault.as_ref().is_some_and(|fault| matches!(fault.outcome, Outcome::Fail(Failure::Silence, _)))
}

/// A case for each call at these places and each of its outcomes.
fn faults_at(places: &[Place], outcomes: impl Fn(&Call) -> Vec<(Outcome, usize)>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (scenario, call) in ALL_CALLS.iter().filter(|(_, call)| places.contains(&call.place)) {
        for (outcome, times) in outcomes(call) {
            let fault = Some(InjectedFault { call: call.clone(), outcome, times });
            cases.push(Case { fault, ..Case::undisturbed(*scenario) });
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
            Ok(travelled) => match case.fault {
                Some(fault) if travelled.faults == 0 => idle.push(fault.call),
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

/// [`pass`], for faults that can be injected into every call.
fn all_pass(class: &str, cases: Vec<Case>) {
    let idle = pass(class, cases, of_fault);
    assert!(idle.is_empty(), "{class}: nothing happened to {idle:?}");
}

fn of_fault(case: &Case) -> Activity {
    case.fault.as_ref().unwrap().call.during
}

fn repeated(class: &str, times: Times) {
    let one = |scenario, activity| Case { repeated: Some((activity, times)), ..Case::undisturbed(scenario) };
    let cases =
        SHOWN.iter().flat_map(|(scenario, activities)| activities.iter().map(|activity| one(*scenario, *activity)));
    pass(class, cases.collect(), |case| case.repeated.unwrap().0);
}

#[test]
fn onboardings_survive_every_message_and_request_twice() {
    repeated("done twice", Times::InARow(2));
}

#[test]
fn onboardings_survive_every_message_and_request_ten_times_at_once() {
    repeated("done ten times at once", Times::AtOnce(10));
}

#[test]
fn onboardings_survive_a_late_index_and_every_fault_of_stream_and_queues() {
    let one = |scenario| move |disturbance| Case { disturbance: Some(disturbance), ..Case::undisturbed(scenario) };
    let cases = SHOWN.iter().flat_map(|(scenario, _)| Disturbance::ALL.into_iter().map(one(*scenario)));
    pass("index, stream and queues", cases.collect(), |_| Activity::Dispatcher);
}

const EVERYWHERE: [Place; 8] =
    [Place::Table, Place::Queue, Place::Bus, Place::Vault, Place::Hub, Place::Meta, Place::Messaging, Place::Partner];

#[test]
fn onboardings_survive_a_crash_before_and_after_every_call() {
    let outcomes = vec![(Outcome::Crash(SideEffect::None), 1), (Outcome::Crash(SideEffect::Done), 1)];
    all_pass("crashed before and after every call", faults_at(&EVERYWHERE, |_| outcomes.clone()));
}

#[test]
fn onboardings_survive_a_fault_at_every_call_to_hub_meta_and_messaging() {
    let fail = |failure, effect| (Outcome::Fail(failure, effect), 1);
    let outcomes = vec![
        fail(Failure::Status(429), SideEffect::None),
        fail(Failure::Status(429), SideEffect::Done),
        fail(Failure::Status(500), SideEffect::None),
        fail(Failure::Status(500), SideEffect::Done),
        fail(Failure::Reset, SideEffect::None),
        fail(Failure::Reset, SideEffect::Done),
        fail(Failure::Garbage, SideEffect::None),
        fail(Failure::Garbage, SideEffect::Done),
    ];
    all_pass("429, 500, reset, garbage", faults_at(&[Place::Hub, Place::Meta, Place::Messaging], |_| outcomes.clone()));
}

/// What is answered with 2xx is told, whatever else the answer holds.
#[test]
fn onboardings_survive_a_fault_at_every_call_to_the_partners_webhook() {
    let fail = |failure, effect, times| (Outcome::Fail(failure, effect), times);
    let outcomes = vec![
        fail(Failure::Status(500), SideEffect::None, 1),
        fail(Failure::Status(500), SideEffect::Done, 1),
        fail(Failure::Reset, SideEffect::None, 1),
        fail(Failure::Reset, SideEffect::Done, 1),
        fail(Failure::Status(307), SideEffect::Done, 1),
        // The webhook backs off.
        fail(Failure::Status(410), SideEffect::None, 4),
    ];
    all_pass("partner's webhook", faults_at(&[Place::Partner], |_| outcomes.clone()));
}

/// Our clients give up after ten seconds, of the partner's webhook after fifteen, and these are real.
#[test]
fn onboardings_survive_a_timeout_of_every_call_to_hub_meta_messaging_and_partner() {
    let outcomes =
        [SideEffect::None, SideEffect::Done].map(|effect| (Outcome::Fail(Failure::Silence, effect), 1)).to_vec();
    let places = [Place::Hub, Place::Meta, Place::Messaging, Place::Partner];
    all_pass("time-out", faults_at(&places, |_| outcomes.clone()));
}

/// The Hub does what it was asked for when we have long been told that it failed.
#[test]
fn onboardings_survive_a_late_effect_of_every_call_to_the_hub() {
    all_pass("late", faults_at(&[Place::Hub], late));
}

fn late(call: &Call) -> Vec<(Outcome, usize)> {
    // After an unclear answer nothing is asked for again before the Hub must be done: two minutes for a client account, one
    // for a key.
    let delays = match call.what.as_str() {
        "POST api/partners/account_sharing/clients" | "POST api/partners/account_sharing/numbers" => [15, 60],
        "POST api/partners/channels/api_keys" => [15, 50],
        _ => return Vec::new(),
    };
    let outcomes = |delay| {
        let late = SideEffect::Late(delay);
        let failures = [Failure::Status(504), Failure::Reset, Failure::Silence];
        failures.map(|failure| Outcome::Fail(failure, late)).into_iter().chain([Outcome::Crash(late)])
    };
    delays.into_iter().flat_map(outcomes).map(|outcome| (outcome, 1)).collect()
}

#[test]
fn onboardings_survive_a_fault_at_every_call_to_the_table() {
    let outcomes = vec![
        // The SDK makes three attempts, so these do not reach the caller.
        (Outcome::Fail(Failure::Throttled, SideEffect::None), 1),
        (Outcome::Fail(Failure::Reset, SideEffect::Done), 1),
        // These outlast the attempts of the SDK.
        (Outcome::Fail(Failure::Throttled, SideEffect::None), 3),
        (Outcome::Fail(Failure::Status(500), SideEffect::Done), 3),
        // Somebody else is at the item, once or for long.
        (Outcome::Fail(Failure::Conflict, SideEffect::None), 1),
        (Outcome::Fail(Failure::Conflict, SideEffect::None), 8),
    ];
    all_pass("table throttled, answer lost, conflict", faults_at(&[Place::Table], |_| outcomes.clone()));
}

#[test]
fn onboardings_survive_every_lost_condition_of_the_table() {
    // The conditions after a transaction's first say whose a number or a channel is, which does not change all the time.
    let times = |number| if number == 0 { vec![1, 8] } else { vec![1] };
    let outcome = |number| Outcome::Fail(Failure::ConditionLost(number), SideEffect::None);
    let lost = |number| times(number).into_iter().map(move |times| (outcome(number), times));
    let cases = faults_at(&[Place::Table], |call| (0..conditions(call)).flat_map(lost).collect());
    // These make what was not there, so that nobody can be faster, and there is no later call like them to be hit instead.
    let making = [
        "UpdateItem CODE",
        "UpdateItem SEARCH",
        "UpdateItem LIMIT",
        "UpdateItem ONB SET v",
        "UpdateItem ENDPOINT",
        "UpdateItem REPLAY SET v",
    ];
    let idle = pass("condition lost", cases, of_fault);
    let others = idle.iter().filter(|call| !making.iter().any(|making| call.what.starts_with(making)));
    assert_eq!(others.count(), 0, "nothing happened to {idle:?}");
}

/// How many conditions a write has that others can make fail. The place of the sweep is written whatever is there.
fn conditions(call: &Call) -> usize {
    let mut words = call.what.split(' ');
    match (words.next(), words.next()) {
        (Some("UpdateItem"), Some("SWEEP")) => 0,
        (Some("UpdateItem"), _) => 1,
        (Some("TransactWriteItems"), _) => call.what.split(' ').count() - 1,
        _ => 0,
    }
}

#[test]
fn onboardings_survive_a_fault_at_every_call_to_queue_bus_and_vault() {
    let fail = |effect, times| (Outcome::Fail(Failure::Refused, effect), times);
    let outcomes = vec![
        fail(SideEffect::None, 1),
        fail(SideEffect::Done, 1),
        // Longer than a key that was just made is held on to.
        fail(SideEffect::None, 4),
    ];
    all_pass("queue, bus and vault", faults_at(&[Place::Queue, Place::Bus, Place::Vault], |_| outcomes.clone()));
}
