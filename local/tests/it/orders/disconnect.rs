//! A number that leaves: 360dialog is asked to end its channel, and keeps it where the partner changes its mind in time.

use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

const ENDS_AFTER: i64 = 3_600_000;

async fn bench() -> TestBench {
    let bench = TestBench::new().await;
    bench.change(json!({"cancelled_after_ms": ENDS_AFTER})).await;
    bench
}

#[tokio::test]
async fn a_number_is_disconnected_when_360dialog_says_so() {
    let bench = bench().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    assert_eq!(bench.ordered(&started, "disconnect").await["channel_end"]["wanted"], "end");
    bench.ordered(&started, "disconnect").await;
    bench.live_through(Duration::minutes(2)).await;
    let record = bench.record(&started).await;
    assert_eq!(record["status"], "ready", "it works on until it has ended");
    assert_eq!(record["channel_end"]["ends_at"], bench.at_hub(&channel).await["terminated_at"]);
    assert_eq!(bench.calls("request_cancellation").await, 1);
    bench.assert_key_works(&started).await;

    bench.live_through(Duration::hours(1)).await;
    let record = bench.record(&started).await;
    assert_eq!(record["status"], "disconnected", "{record:#}");
    assert!(record["channel_end"]["ended_at"].is_string(), "{record:#}");
    let told = bench.told_of(&started).await;
    let ends = told.iter().filter(|word| *word == "updated channel_end").count();
    assert_eq!((ends, told.last().map(String::as_str)), (2, Some("disconnected")), "{told:?}");
    assert_eq!(bench.ordered(&started, "disconnect").await["version"], record["version"]);
    bench.order(&started, "reconnect").await.assert_problem(409, "ended");
    bench.order(&started, "cancel").await.assert_problem(409, "not_cancellable");
}

/// The whole life of a number: it leaves, and comes back by a new onboarding.
#[tokio::test]
async fn a_number_that_left_comes_back() {
    let bench = bench().await;
    let (first, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.ordered(&first, "disconnect").await;
    bench.live_through(Duration::hours(2)).await;
    assert_eq!(bench.status(&first).await, "disconnected");
    let (second, next) = bench.ready_for("tenant-2", "one_number").await;
    assert_ne!(channel, next);
    assert_eq!(bench.record(&first).await["number_lost_to"], second.id.as_str());
}

#[tokio::test]
async fn the_end_is_taken_back_in_time() {
    let bench = bench().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.ordered(&started, "disconnect").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "pending_deletion");
    assert_eq!(bench.ordered(&started, "reconnect").await["channel_end"]["wanted"], "keep");
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "live");
    assert_eq!(bench.record(&started).await["channel_end"], Value::Null);
    bench.live_through(Duration::days(2)).await;
    bench.assert_key_works(&started).await;
    bench.assert_nothing_left();
}

/// 360dialog was not asked yet, so that nothing is to be taken back.
#[tokio::test]
async fn an_end_that_was_not_sent_is_dropped() {
    let bench = bench().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.ordered(&started, "disconnect").await;
    assert_eq!(bench.ordered(&started, "reconnect").await["channel_end"], Value::Null);
    bench.live_through(Duration::hours(3)).await;
    assert_eq!((bench.calls("request_cancellation").await, bench.calls("revoke_cancellation").await), (0, 0));
    bench.assert_key_works(&started).await;
}

/// Somebody at 360dialog asked for the end; the partner takes it back by us.
#[tokio::test]
async fn an_end_that_somebody_else_asked_for_is_taken_back() {
    let bench = bench().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.client.order("cancellation", &json!({"channel_id": channel, "step": "request"})).await.unwrap();
    bench.live_through(Duration::minutes(5)).await;
    bench.ordered(&started, "reconnect").await;
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "live");
}

/// Where nothing is to be taken back, 360dialog refuses, and a look shows that all is well.
#[tokio::test]
async fn a_reconnect_without_an_end_is_settled_by_a_look() {
    let bench = bench().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.ordered(&started, "reconnect").await;
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.record(&started).await["channel_end"], Value::Null);
    bench.assert_key_works(&started).await;
    bench.assert_nothing_left();
}

/// The answer is lost: the channel is looked at before anything is asked again.
#[tokio::test]
async fn a_request_whose_answer_was_lost_is_looked_up() {
    let bench = bench().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.fault(json!({"route": "request_cancellation", "status": 502, "after_effect": true})).await;
    bench.ordered(&started, "disconnect").await;
    bench.live_through(Duration::minutes(1)).await;
    let end = bench.record(&started).await["channel_end"].clone();
    assert!(end["error"].is_string() && end["accepted_at"].is_null(), "{end:#}");
    bench.live_through(Duration::minutes(10)).await;
    let end = bench.record(&started).await["channel_end"].clone();
    assert!(end["accepted_at"].is_string() && end["error"].is_null(), "{end:#}");
    assert_eq!(bench.calls("request_cancellation").await, 1);
}

#[tokio::test]
async fn a_request_that_360dialog_refuses_is_kept_and_tried_again() {
    let bench = bench().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    let body = json!({"meta": {"success": false, "http_code": 400, "developer_message": "Not now"}});
    bench.break_routes(&["request_cancellation"], &json!({"status": 400, "body": body})).await;
    bench.ordered(&started, "disconnect").await;
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.record(&started).await;
    assert_eq!(record["status"], "ready");
    assert!(record["channel_end"]["error"].as_str().is_some_and(|error| error.contains("Not now")), "{record:#}");
    bench.assert_key_works(&started).await;
    bench.mend().await;
    bench.live_through(Duration::hours(8)).await;
    assert_eq!(bench.status(&started).await, "disconnected");
}

/// Every webhook of the end is lost: a look finds it.
#[tokio::test]
async fn an_end_that_no_webhook_tells_is_found_by_a_look() {
    let bench = bench().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.faults(json!({"route": "webhook", "lose": true, "times": 100})).await;
    bench.ordered(&started, "disconnect").await;
    bench.live_through(Duration::hours(4)).await;
    assert_eq!(bench.status(&started).await, "disconnected");
    assert_eq!(bench.calls("request_cancellation").await, 1);
}

/// The partner changes its mind three times while 360dialog does not answer: its last word counts.
#[tokio::test]
async fn the_last_word_counts_however_often_the_partner_changes_its_mind() {
    let bench = bench().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.ordered(&started, "disconnect").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "pending_deletion");
    for order in ["reconnect", "disconnect", "reconnect"] {
        bench.ordered(&started, order).await;
    }
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "live");
    bench.live_through(Duration::days(2)).await;
    bench.assert_key_works(&started).await;
}

/// 360dialog refuses to say whether the channel has ended: what the partner wants does not wait for that.
#[tokio::test]
async fn a_look_up_that_fails_holds_up_no_order() {
    let bench = bench().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    let body = json!({"meta": {"success": false, "http_code": 400, "developer_message": "No"}});
    bench.break_routes(&["list_channels"], &json!({"status": 400, "body": body})).await;
    let webhook = json!({"id": "evt_1", "event": "cancellation_request", "data": {"id": channel}});
    assert_eq!(bench.hub_webhook(&webhook.to_string()).await.status, 200);
    bench.live_through(Duration::minutes(5)).await;
    bench.ordered(&started, "rotate-key").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.record(&started).await["key_rotation"], Value::Null);
    bench.ordered(&started, "disconnect").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.calls("request_cancellation").await, 1);
    bench.assert_key_works(&started).await;
}
