//! What a key costs at the table and the queues, from the webhook that the channel is live to the end of all work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use onboarding::Status;
use serde_json::json;
use time::Duration;

use crate::support::fault_injection::{Activity, Call, Outcome, Place};
use crate::support::parallel_runner::alone;
use crate::support::test_bench::TestBench;

/// Where the figures stand.
const DOCUMENT: &str = include_str!("../../../docs/architecture.md");
const HEADING: &str = "### What a key costs";

#[test]
fn a_key_costs_the_calls_to_table_and_queues_that_the_architecture_names() {
    alone(async || compare().await);
}

async fn compare() {
    let bench = TestBench::new(simulator::Settings::default()).await;
    for event in ["client_created", "channel_created", "channel_submitted", "channel_ready", "channel_running"] {
        bench.order("faults", &json!({"route": format!("webhook.{event}"), "lose": true, "times": 1_000_000})).await;
    }
    bench.order("settings", &json!({"live_after_ms": 120_000})).await;
    let started = bench.start("tenant-1").await.unwrap();
    bench.sign_up(&started, "one_number").await.unwrap();
    while bench.onboarding(&started).await.status != Status::Submitted {
        bench.live(Duration::SECOND).await;
    }
    // The tokens of the calls so far are free again, so nobody is awake when the webhook comes.
    bench.live(Duration::seconds(32)).await;

    bench.injection.follow(Box::new(|_| Outcome::Pass));
    let mut begun = Instant::now();
    while bench.onboarding(&started).await.status != Status::Ready {
        begun = Instant::now();
        bench.live(Duration::SECOND).await;
    }
    let took = begun.elapsed().as_millis();
    println!("from channel_live to the key: {took} ms, unoptimized, with the embedded table");
    let all = bench.injection.calls();
    let first = all.iter().position(|call| call.during == Activity::WebhookReceipt).unwrap();
    let mut counted = count(&all[first..], function);
    // One token is out, so the dispatcher is awake.
    let awake = all.len();
    bench.run(Activity::Dispatcher, || bench.stack.look()).await;
    counted.extend(count(&bench.injection.calls()[awake..], |_| "dispatcher, a look"));

    let here: BTreeSet<String> =
        counted.iter().map(|((function, what), n)| format!("| {function} | `{what}` | {n} |")).collect();
    let section = DOCUMENT.split_once(HEADING).unwrap().1;
    let section = section.split_once("\n#").unwrap().0;
    let rows = section.lines().filter(|line| line.contains('`') && line.starts_with('|'));
    // The last column is the first edition's, which made calls that are no longer made.
    let documented = rows.map(|row| row.rsplitn(3, '|').nth(2).unwrap().to_owned() + "|");
    let documented: BTreeSet<String> = documented.filter(|row| !row.ends_with("| 0 |")).collect();
    assert_eq!(here, documented, "on the left what is called, on the right what docs/architecture.md says");
}

fn count(calls: &[Call], function: impl Fn(Activity) -> &'static str) -> BTreeMap<(&'static str, String), u32> {
    let mut counted = BTreeMap::new();
    for call in calls.iter().filter(|call| [Place::Table, Place::Queue].contains(&call.place)) {
        *counted.entry((function(call.during), call.what.clone())).or_default() += 1;
    }
    counted
}

fn function(activity: Activity) -> &'static str {
    match activity {
        Activity::WebhookReceipt => "webhook-receipt",
        Activity::Dispatcher => "dispatcher",
        Activity::Step(step) => step.as_str(),
        Activity::Publishing => "event_publisher",
        other => unreachable!("{other:?} has no part in it"),
    }
}
