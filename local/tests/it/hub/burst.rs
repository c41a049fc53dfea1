//! Many onboardings at once under the Hub's limit of 5 calls in 30 seconds: no call is refused, and no time is wasted.

use std::collections::BTreeMap;

use local::client::Started;
use serde_json::Value;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::TestBench;

const ONBOARDINGS: usize = 30;
/// 5 calls in 30 seconds.
const PER_CALL: Duration = Duration::seconds(6);

fn time(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

/// When an onboarding reached each status.
async fn reached(bench: &TestBench, started: &Started) -> BTreeMap<String, OffsetDateTime> {
    let record = bench.record(started).await;
    let history = record["history"].as_array().unwrap();
    let changes = history.iter().filter(|entry| entry["from"] != entry["to"]);
    changes.map(|entry| (entry["to"].as_str().unwrap().to_owned(), time(&entry["at"]))).collect()
}

#[tokio::test]
async fn thirty_onboardings_at_once_finish_in_the_time_that_the_hubs_limit_allows() {
    let bench = TestBench::new().await;
    let begin = bench.now();
    let mut all = Vec::new();
    for number in 0..ONBOARDINGS {
        all.push(bench.signed_up(&format!("tenant-{number}"), &format!("one_number:{number}")).await);
    }
    bench.live_through(Duration::minutes(30)).await;

    let calls = bench.hub_calls().await;
    assert!(calls.iter().all(|call| call["status"] != 429), "{calls:#?}");
    assert_eq!(calls.len(), ONBOARDINGS * 5);
    let mut last = begin;
    for started in &all {
        let reached = reached(&bench, started).await;
        let ready = *reached.get("ready").unwrap_or_else(|| panic!("{reached:?}"));
        last = last.max(ready);
        // Finishing goes before starting, however many have not started yet.
        let for_key = ready - reached["live"];
        assert!(for_key <= Duration::seconds(70), "{for_key} from live to ready");
    }
    let allowed = PER_CALL * i32::try_from(calls.len()).unwrap();
    let taken = last - begin;
    assert!(taken <= allowed * 1.1, "{taken} for what the limit allows in {allowed}");
    assert_eq!(bench.valid_keys().await, ONBOARDINGS);
    assert_eq!(bench.count("clients").await, ONBOARDINGS);
    bench.assert_nothing_left();
    println!("{} calls in {taken}; the limit allows them in {allowed}", calls.len());
}
