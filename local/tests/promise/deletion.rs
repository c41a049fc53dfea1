//! The deletion of an onboarding, interrupted at each of its calls. It is no part of the way to a key, which the harness
//! follows.

use local::client::Started;
use onboarding::{Class, OnboardingId, Status};
use serde_json::json;
use store::{StoreError, WorkKey};
use time::Duration;

use crate::support::fault_injection::{Activity, Call, Failure, Outcome, SideEffect};
use crate::support::parallel_runner::{AtOnce, each};
use crate::support::test_bench::TestBench;

/// An onboarding that has failed 400 days ago, and the WABA that it holds.
async fn failed_long_ago(bench: &TestBench) -> Result<(OnboardingId, String), String> {
    bench.order("faults", &json!([{"route": "numbers", "status": 400, "times": 2}])).await;
    let started: Started = bench.start("tenant-1").await?;
    bench.sign_up(&started, "one_number").await?;
    bench.live(Duration::minutes(8)).await;
    let onboarding = bench.onboarding(&started).await;
    if onboarding.status != Status::Failed {
        return Err(format!("{:?} and not failed", onboarding.status));
    }
    bench.pass(Duration::days(400));
    let (waba_id, _) = onboarding.number().ok_or("no number")?;
    Ok((onboarding.id.clone(), waba_id.to_string()))
}

/// The calls of a run that deletes an onboarding, from the read of its record on.
async fn calls_of_deletion() -> Result<Vec<Call>, String> {
    let bench = TestBench::new(simulator::Settings::default()).await;
    let (id, _) = failed_long_ago(&bench).await?;
    bench.injection.follow(Box::new(|_| Outcome::Pass));
    bench.reconcile().await;
    let calls = bench.injection.calls();
    let first = calls.iter().position(|call| call.what == "GetItem ONB").ok_or("no record was read")?;
    let last = calls.iter().rposition(|call| call.what == "TransactWriteItems").ok_or("nothing was deleted")?;
    match bench.stack.twins.store.get(&id).await {
        Err(StoreError::NotFound) => Ok(calls[first..=last].to_vec()),
        other => Err(format!("not deleted: {other:?}")),
    }
}

/// A run in which this call goes wrong, and the next one.
async fn interrupted(call: Call, outcome: Outcome, times: usize) -> Result<(), String> {
    let bench = TestBench::new(simulator::Settings::default()).await;
    let (id, waba_id) = failed_long_ago(&bench).await?;
    let store = &bench.stack.twins.store;
    let whole = store.history(&id).await.unwrap().len();
    let mut left = times;
    bench.injection.follow(Box::new(move |now| {
        if left == 0 || (now.during, &now.what) != (Activity::Reconciliation, &call.what) || now.number < call.number {
            return Outcome::Pass;
        }
        left -= 1;
        outcome
    }));
    bench.reconcile().await;
    if bench.injection.fault_count() != times {
        return Err(format!("{} faults", bench.injection.fault_count()));
    }
    bench.injection.calm();
    // A record that is there is whole.
    if store.get(&id).await.is_ok() && store.history(&id).await.unwrap().len() != whole {
        return Err("a record without its history".to_owned());
    }
    bench.reconcile().await;
    bench.settle().await;
    let gone = matches!(store.get(&id).await, Err(StoreError::NotFound));
    let history = store.history(&id).await.unwrap().len();
    let holders = store.holders(&waba_id.parse().unwrap()).await.unwrap();
    let due = store.due(Class::Reconciliation, bench.now(), 10).await.unwrap();
    let due: Vec<_> = due.into_iter().filter(|due| matches!(due.key, WorkKey::Deletion(_))).collect();
    if !gone || history > 0 || !holders.is_empty() || !due.is_empty() {
        return Err(format!("gone: {gone}, entries: {history}, holders: {holders:?}, due: {due:?}"));
    }
    Ok(())
}

#[test]
fn a_deletion_that_is_interrupted_at_any_call_is_finished_by_the_next_run() {
    let calls = each(AtOnce::Cores, vec![()], async |()| calls_of_deletion().await);
    let calls = calls.into_iter().next().unwrap().1.unwrap();
    let whats: Vec<&str> = calls.iter().map(|call| call.what.as_str()).collect();
    for kind in ["GetItem ONB", "TransactWriteItems ONB", "Query", "TransactWriteItems"] {
        assert!(whats.contains(&kind), "{kind} is not among {whats:?}");
    }
    let mut cases = Vec::new();
    for call in calls {
        let mut outcomes = vec![
            (Outcome::Crash(SideEffect::None), 1),
            (Outcome::Crash(SideEffect::Done), 1),
            // These outlast the attempts of the SDK.
            (Outcome::Fail(Failure::Throttled, SideEffect::None), 3),
            (Outcome::Fail(Failure::Status(500), SideEffect::Done), 3),
        ];
        if call.what.starts_with("TransactWriteItems") {
            outcomes.push((Outcome::Fail(Failure::Conflict, SideEffect::None), 1));
            outcomes.push((Outcome::Fail(Failure::Conflict, SideEffect::None), 8));
        }
        if call.what == "TransactWriteItems ONB" {
            outcomes.push((Outcome::Fail(Failure::ConditionLost(0), SideEffect::None), 1));
        }
        cases.extend(outcomes.into_iter().map(|(outcome, times)| (call.clone(), outcome, times)));
    }
    let total = cases.len();
    let outcomes = each(AtOnce::Cores, cases, async |(call, outcome, times)| interrupted(call, outcome, times).await);
    let broken: Vec<_> =
        outcomes.into_iter().filter_map(|(case, outcome)| Some(format!("{case:?}: {}", outcome.err()?))).collect();
    println!("deletion: {total} cases");
    assert!(broken.is_empty(), "{} of {total} broken:\n{}", broken.len(), broken.join("\n"));
}
