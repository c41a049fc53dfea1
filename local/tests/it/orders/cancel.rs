//! An onboarding that is called off: its number is free, at once or when 360dialog has ended its channel.

use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// The other link of the same customer is taken, to the end.
async fn next_link_finishes(bench: &TestBench, reference: &str) {
    let next = bench.signed_up(reference, "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    bench.assert_key_works(&next).await;
}

#[tokio::test]
async fn an_onboarding_is_called_off_before_its_signup() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let cancelled = bench.ordered(&started, "cancel").await;
    assert_eq!((&cancelled["status"], &cancelled["channel_end"]), (&json!("cancelled"), &Value::Null));
    let version = cancelled["version"].clone();
    assert_eq!(bench.ordered(&started, "cancel").await["version"], version, "once more changes nothing");
    let entry = bench.record(&started).await["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(entry["event"]["event"], "cancel_asked");
    assert_eq!(entry["event"]["by"]["token"], "back_end");
    assert_eq!(entry["event"]["by"]["source_ip"], "127.0.0.1");
    assert!(entry["event"]["by"]["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{entry:#}");

    assert_eq!(bench.page_view(&started).await.body["status"], "cancelled");
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&started, &popup).await.assert_problem(409, "ended");
    let told = bench.told_of(&started).await;
    assert_eq!(told.iter().filter(|word| *word == "cancelled").count(), 1, "{told:?}");
    bench.live_through(Duration::hours(1)).await;
    bench.order(&started, "disconnect").await.assert_problem(409, "not_ready");
    bench.order(&started, "reconnect").await.assert_problem(409, "not_ready");
    bench.order(&started, "rotate-key").await.assert_problem(409, "not_ready");
}

#[tokio::test]
async fn the_token_of_a_signup_that_is_being_confirmed_is_deleted() {
    let bench = TestBench::new().await;
    bench.break_routes(&["debug_token"], &json!({"status": 500})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    assert_eq!(bench.status(&started).await, "confirming");
    bench.ordered(&started, "cancel").await;
    bench.mend().await;
    bench.live_on_schedule(Duration::hours(2)).await;
    assert_eq!(bench.status(&started).await, "cancelled");
    next_link_finishes(&bench, "tenant-2").await;
}

#[tokio::test]
async fn a_number_that_was_not_submitted_is_free_at_once() {
    let bench = TestBench::new().await;
    bench.break_routes(&["list_clients"], &json!({"status": 500})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    assert_eq!(bench.status(&started).await, "signed_up");
    let cancelled = bench.ordered(&started, "cancel").await;
    assert_eq!(cancelled["channel_end"], Value::Null);
    bench.mend().await;
    next_link_finishes(&bench, "tenant-2").await;
    assert_eq!(bench.status(&started).await, "cancelled");
    assert_eq!(bench.calls("numbers").await, 1, "the cancelled one is not submitted");
}

#[tokio::test]
async fn a_number_that_360dialog_refused_is_free_at_once() {
    let bench = TestBench::new().await;
    let body = json!({"meta": {"success": false, "developer_message": "no"}});
    bench.break_routes(&["numbers"], &json!({"status": 422, "body": body})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "failed");
    bench.mend().await;
    assert_eq!(bench.ordered(&started, "cancel").await["channel_end"], Value::Null);
    next_link_finishes(&bench, "tenant-2").await;
}

#[tokio::test]
async fn from_the_submission_on_the_number_is_free_when_360dialog_has_ended_the_channel() {
    let bench = TestBench::new().await;
    bench.change(json!({"cancelled_after_ms": 3_600_000})).await;
    let (started, channel) = bench.submitted().await;
    let cancelled = bench.ordered(&started, "cancel").await;
    assert_eq!((&cancelled["status"], &cancelled["channel_end"]["wanted"]), (&json!("cancelled"), &json!("end")));
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "pending_deletion", "it was found and is to end");
    let record = bench.record(&started).await;
    assert_eq!(record["channel_id"], channel.as_str());
    assert!(
        record["channel_end"]["accepted_at"].is_string() && record["channel_end"]["ends_at"].is_string(),
        "{record:#}"
    );
    assert_eq!(bench.stack.twins.vault.keys().len(), 0, "a channel that is to end gets no key");

    let second = bench.client.start("tenant-2").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&second, &popup).await.assert_problem(409, "number_taken");
    bench.live_through(Duration::hours(2)).await;
    let record = bench.record(&started).await;
    assert!(record["channel_end"]["ended_at"].is_string() && record["status"] == "cancelled", "{record:#}");
    next_link_finishes(&bench, "tenant-3").await;
    let told = bench.told_of(&started).await;
    assert!(told.contains(&"cancelled".to_owned()) && told.contains(&"updated channel_end".to_owned()), "{told:?}");
}

/// The webhook of the end is lost, and the customer is there again: 360dialog is asked.
#[tokio::test]
async fn a_new_proof_has_the_channel_of_a_cancelled_owner_looked_up() {
    let bench = TestBench::new().await;
    bench.change(json!({"cancelled_after_ms": 60_000})).await;
    let (started, _) = bench.submitted().await;
    bench.faults(json!({"route": "webhook", "lose": true, "times": 100})).await;
    bench.ordered(&started, "cancel").await;
    bench.live_through(Duration::minutes(3)).await;
    let second = bench.client.start("tenant-2").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&second, &popup).await.assert_problem(409, "number_taken");
    bench.live_through(Duration::seconds(40)).await;
    let record = bench.record(&started).await;
    assert!(record["channel_end"]["ended_at"].is_string(), "{record:#}");
}

#[tokio::test]
async fn an_onboarding_that_waits_for_permission_is_called_off_with_its_channel() {
    let bench = TestBench::new().await;
    bench.change(json!({"payment": "direct", "cancelled_after_ms": 60_000})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.status(&started).await, "permission_required");
    bench.ordered(&started, "cancel").await;
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.record(&started).await;
    assert!(record["channel_end"]["ended_at"].is_string(), "{record:#}");
    assert_eq!(bench.at_hub(record["channel_id"].as_str().unwrap()).await["hub_status"], "terminated");
}

#[tokio::test]
async fn a_ready_number_is_not_called_off() {
    let bench = TestBench::new().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.order(&started, "cancel").await.assert_problem(409, "not_cancellable");
    bench.assert_key_works(&started).await;
}

/// A key that somebody uses is not revoked by calling off an onboarding that came later.
#[tokio::test]
async fn a_channel_that_was_there_before_is_not_ended() {
    let bench = TestBench::new().await;
    let client = local::client::start_body("tenant-1")["client"].clone();
    let made = bench.post_to_hub("account_sharing/clients", &client).await;
    let order = json!({"account": "one_number", "client_id": made["id"], "key": true});
    let made = bench.client.order("channels", &order).await.unwrap();
    let channel = made["channel"]["id"].as_str().unwrap().to_owned();
    bench.pass(Duration::hours(1));
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    let record = bench.record(&started).await;
    assert_eq!(record["problem"]["code"], "channel_has_key", "{record:#}");
    assert_eq!(bench.ordered(&started, "cancel").await["channel_end"], Value::Null);
    bench.live_through(Duration::hours(1)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "live");
    assert_eq!(bench.valid_keys().await, 1);
}

/// 360dialog has it under another client account, and says so: it has not taken the number.
#[tokio::test]
async fn a_number_that_is_connected_elsewhere_is_free_at_once() {
    let bench = TestBench::new().await;
    bench.change(json!({"number_taken": "conflict"})).await;
    bench.client.order("channels", &json!({"account": "one_number"})).await.unwrap();
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::hours(1)).await;
    assert_eq!(bench.record(&started).await["problem"]["code"], "number_refused");
    assert_eq!(bench.ordered(&started, "cancel").await["channel_end"], Value::Null);
    let second = bench.client.start("tenant-2").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&second, &popup).await.body["status"], "signed_up");
}

/// The submission never reached 360dialog, and nobody knows.
#[tokio::test]
async fn a_number_whose_submission_was_lost_is_free_after_two_looks() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "numbers", "drop": true})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.status(&started).await, "signed_up");
    assert_eq!(bench.ordered(&started, "cancel").await["channel_end"]["wanted"], "end");
    let second = bench.client.start("tenant-2").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&second, &popup).await.assert_problem(409, "number_taken");
    bench.live_through(Duration::hours(1)).await;
    assert_eq!(bench.record(&started).await["channel_end"], Value::Null);
    next_link_finishes(&bench, "tenant-3").await;
    assert_eq!(bench.calls("numbers").await, 2, "the cancelled one is not submitted again");
}

/// The submission was carried out, and its answer was lost: the channel is found, and ends.
#[tokio::test]
async fn a_submission_that_was_carried_out_unseen_ends_with_its_onboarding() {
    let bench = TestBench::new().await;
    bench.change(json!({"cancelled_after_ms": 60_000})).await;
    bench.faults(json!({"route": "webhook", "lose": true, "times": 100})).await;
    bench.fault(json!({"route": "numbers", "status": 502, "after_effect": true})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(30)).await;
    bench.ordered(&started, "cancel").await;
    bench.live_through(Duration::hours(1)).await;
    let record = bench.record(&started).await;
    assert!(record["channel_end"]["ended_at"].is_string(), "{record:#}");
}

/// The partner's word allows another key. It is no word to end a channel that others use.
#[tokio::test]
async fn a_channel_that_was_there_before_is_not_ended_while_its_key_is_not_replaced_yet() {
    let bench = TestBench::new().await;
    let client = local::client::start_body("tenant-1")["client"].clone();
    let made = bench.post_to_hub("account_sharing/clients", &client).await;
    let order = json!({"account": "one_number", "client_id": made["id"], "key": true});
    let channel = bench.client.order("channels", &order).await.unwrap()["channel"]["id"].as_str().unwrap().to_owned();
    bench.pass(Duration::hours(1));
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    bench.break_routes(&["api_keys"], &json!({"status": 500})).await;
    let retry = format!("/v1/onboardings/{}/retry", started.id);
    let reply = bench.post(&retry, local::settings::BACKEND_TOKEN, &json!({"replace_key": true})).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.ordered(&started, "cancel").await["channel_end"], Value::Null);
    bench.mend().await;
    bench.live_through(Duration::hours(2)).await;
    assert_eq!(bench.at_hub(&channel).await["hub_status"], "live");
    assert_eq!(bench.valid_keys().await, 1);
}
