//! The feed, and what is told once more.

use std::collections::BTreeSet;

use local::settings::BACKEND_TOKEN;
use serde_json::Value;
use time::Duration;

use super::{WithWebhook, feed, types};
use crate::support::TestBench;

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_feed_goes_on_where_a_cursor_ended_and_ends_ten_seconds_before_now() {
    let bench = TestBench::new().await;
    let empty = bench.get("/v1/events", BACKEND_TOKEN).await.body;
    assert_eq!((&empty["cursor"], empty["has_more"].as_bool()), (&Value::Null, Some(false)), "{empty}");
    bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    assert_eq!(feed(&bench).await, [Value::Null; 0], "what is being written now is not shown yet");
    bench.pass(Duration::seconds(11));
    let first = feed(&bench).await;
    assert_eq!(types(&first).len(), 2);
    let cursor = ids(&first).pop().unwrap();
    let path = format!("/v1/events?after={cursor}");
    let page = bench.get(&path, BACKEND_TOKEN).await.body;
    assert_eq!((page["events"].as_array().unwrap().len(), page["cursor"].as_str()), (0, Some(cursor.as_str())));

    // Over midnight, and with some empty days.
    bench.pass(Duration::days(3));
    bench.client.start("tenant-2").await.unwrap();
    bench.settle().await;
    bench.pass(Duration::days(1));
    let later = bench.get(&path, BACKEND_TOKEN).await.body;
    assert_eq!(later["events"][0]["data"]["onboarding"]["reference"], "tenant-2");
    let all = ids(&feed(&bench).await);
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(all, sorted, "by id");

    bench.pass(Duration::days(88));
    assert!(feed(&bench).await.iter().all(|event| event["data"]["onboarding"]["reference"] == "tenant-2"), "90 days");
}

#[tokio::test]
async fn the_feed_names_each_wrong_parameter() {
    let bench = TestBench::new().await;
    for (query, fields) in [
        ("after=x", &["after"][..]),
        ("limit=0", &["limit"]),
        ("limit=101&after=onb_1&before=1", &["before", "after", "limit"]),
    ] {
        bench.get(&format!("/v1/events?{query}"), BACKEND_TOKEN).await.assert_fields(fields);
    }
}

#[tokio::test]
async fn a_replay_tells_the_webhook_once_more_and_the_bus_not() {
    let with = WithWebhook::new().await;
    let (bench, receiver) = (&with.bench, &with.receiver);
    // More than a page of a replay.
    for n in 0..30 {
        bench.client.start(&format!("tenant-{n}")).await.unwrap();
    }
    bench.live_through(Duration::minutes(10)).await;
    let before = with.feed().await;
    assert!(before.len() > 55, "{}", before.len());
    let on_bus = bench.stack.twins.bus.events().len();
    let told = receiver.received().len();
    let after = before[4]["id"].as_str().unwrap();
    with.replay(after).await;
    // What comes after the request is not told twice.
    bench.client.start("tenant-later").await.unwrap();
    bench.live_through(Duration::minutes(10)).await;

    let again: Vec<String> = receiver.received()[told..].iter().map(|received| received.id.clone()).collect();
    let unique: BTreeSet<&String> = again.iter().collect();
    assert_eq!(unique.len(), again.len(), "once");
    for id in ids(&before[5..]) {
        assert!(unique.contains(&id), "{id}");
    }
    for id in ids(&before[..5]) {
        assert!(!unique.contains(&id), "{id}");
    }
    assert_eq!(again.len(), before.len() - 5 + 2);
    assert_eq!(bench.stack.twins.bus.events().len(), on_bus + 2);
    let shown = with.feed().await;
    assert_eq!(shown[10]["delivery"]["webhook"]["tries"].as_array().unwrap().len(), 2);
}
