//! Many at once, with the Hub's documented limit of 5 calls in 30 seconds: none is refused, and no time is wasted.

use std::collections::BTreeMap;

use local::client::Started;
use serde_json::Value;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::world::World;

const ONBOARDINGS: usize = 30;
/// 5 calls in 30 seconds.
const PER_CALL: Duration = Duration::seconds(6);

fn time(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

/// When an onboarding reached each status.
async fn reached(world: &World, started: &Started) -> BTreeMap<String, OffsetDateTime> {
    let record = world.record(started).await;
    let history = record["history"].as_array().unwrap();
    let changes = history.iter().filter(|entry| entry["from"] != entry["to"]);
    changes.map(|entry| (entry["to"].as_str().unwrap().to_owned(), time(&entry["at"]))).collect()
}

#[tokio::test]
async fn thirty_at_once_finish_in_the_time_that_the_limit_allows() {
    let world = World::new().await;
    let begin = world.now();
    let mut all = Vec::new();
    for number in 0..ONBOARDINGS {
        all.push(world.signed_up(&format!("tenant-{number}"), &format!("one_number:{number}")).await);
    }
    world.live_through(Duration::minutes(30)).await;

    let calls = world.hub_calls().await;
    assert!(calls.iter().all(|call| call["status"] != 429), "{calls:#?}");
    assert_eq!(calls.len(), ONBOARDINGS * 4);
    let mut last = begin;
    for started in &all {
        let reached = reached(&world, started).await;
        let ready = *reached.get("ready").unwrap_or_else(|| panic!("{reached:?}"));
        last = last.max(ready);
        // Finishing goes before starting, however many have not started yet.
        let for_key = ready - reached["live"];
        assert!(for_key <= Duration::seconds(70), "{for_key} from live to ready");
    }
    let allowed = PER_CALL * i32::try_from(calls.len()).unwrap();
    let taken = last - begin;
    assert!(taken <= allowed * 1.1, "{taken} for what the limit allows in {allowed}");
    assert_eq!(world.valid_keys().await, ONBOARDINGS);
    assert_eq!(world.count("clients").await, ONBOARDINGS);
    world.assert_nothing_left();
    println!("{} calls in {taken}; the limit allows them in {allowed}", calls.len());
}
