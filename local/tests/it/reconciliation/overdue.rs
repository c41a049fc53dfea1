//! An onboarding that waits for too long is marked and told of once, and goes on waiting.

use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::bench::{overdue_in, time_of};
use crate::support::fakes::SCHEDULE;
use crate::support::log::Log;

/// How late a mark may be.
const LATEST: Duration = Duration::minutes(15);

/// How long after its time was over an onboarding was marked for the last time.
fn lateness(record: &Value) -> Duration {
    let entries = record["history"].as_array().unwrap().iter();
    let marked = entries.rev().find(|entry| entry["event"]["event"] == "overdue").unwrap();
    time_of(&marked["at"]) - time_of(&marked["event"]["since"])
}

#[tokio::test]
async fn a_channel_that_does_not_go_live_is_overdue_after_a_day_and_still_finishes() {
    let bench = TestBench::new().await;
    // A channel is running, which is as good as live, at four fifths of it.
    bench.change(json!({"live_after_ms": 20 * 86_400_000})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::hours(24) - SCHEDULE).await;
    assert_eq!(overdue_in(&bench.record(&started).await), [""; 0]);
    bench.live_on_schedule(LATEST).await;
    let record = bench.record(&started).await;
    assert_eq!(record["status"], "submitted");
    assert_eq!(time_of(&record["overdue_since"]) - time_of(&record["status_since"]), Duration::hours(24));
    assert!(lateness(&record) <= LATEST, "{record:#}");
    let view = bench.setup_view(&started).await.body;
    assert_eq!((&view["overdue_since"], &view["status_since"]), (&Value::Null, &Value::Null));

    bench.pass(Duration::days(10));
    bench.live_on_schedule(Duration::hours(12)).await;
    assert_eq!(overdue_in(&bench.record(&started).await), ["submitted"]);

    // In the next status it can be overdue again.
    bench.break_routes(&["api_keys"], &json!({"status": 500})).await;
    bench.pass(Duration::days(6));
    bench.live_on_schedule(Duration::minutes(45)).await;
    let record = bench.record(&started).await;
    assert_eq!((record["status"].as_str(), &record["overdue_since"]), (Some("live"), &Value::Null));
    // Each run counts here: the bound on the lateness is one of the schedule.
    for _ in 0..12 {
        bench.live_on_schedule(SCHEDULE).await;
    }
    let record = bench.record(&started).await;
    assert_eq!(overdue_in(&record), ["submitted", "live"]);
    assert!(record["overdue_since"].is_string() && lateness(&record) <= LATEST, "{record:#}");

    bench.mend().await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    assert_eq!(bench.record(&started).await["overdue_since"], Value::Null);
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_client_who_does_not_grant_permission_is_overdue_after_three_days() {
    let bench = TestBench::new().await;
    bench.change(json!({"payment": "direct"})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::hours(1)).await;
    bench.pass(Duration::hours(70));
    bench.live_on_schedule(Duration::minutes(55)).await;
    assert_eq!(overdue_in(&bench.record(&started).await), [""; 0]);
    bench.live_on_schedule(LATEST).await;
    let record = bench.record(&started).await;
    assert_eq!(
        (record["status"].as_str(), overdue_in(&record)),
        (Some("permission_required"), vec!["permission_required"])
    );
    assert!(lateness(&record) <= LATEST, "{record:#}");
}

#[tokio::test]
async fn each_overdue_status_and_each_failure_is_counted_once() {
    let (log, _guard) = Log::listen();
    let bench = TestBench::new().await;
    bench.break_routes(&["numbers"], &json!({"status": 503})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::hours(8)).await;
    assert_eq!(log.lines_with("\"metric\":\"onboarding_overdue\""), 1);
    assert_eq!(log.lines_with("\"onboarding is overdue\""), 1);
    assert_eq!(log.lines_with("\"metric\":\"onboarding_failed\""), 0);

    bench.mend().await;
    bench.break_routes(&["numbers"], &json!({"status": 422, "body": {"meta": {"developer_message": "no"}}})).await;
    bench.live_on_schedule(Duration::hours(1)).await;
    let record = bench.record(&started).await;
    assert_eq!((record["status"].as_str(), &record["overdue_since"]), (Some("failed"), &Value::Null));
    assert_eq!(log.lines_with("\"metric\":\"onboarding_failed\""), 1);

    bench.mend().await;
    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(log.lines_with("\"metric\":\"onboarding_overdue\""), 1);
}
