//! The Hub is down for long, or refuses our credentials: nobody fails who could still finish, and customers do not notice.

use local::client::Started;
use partner_hub::HubCredentials;
use secrecy::SecretString;
use secrets::{Secret, WorkerSecret};
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::bench::{overdue_in, time_of};
use crate::support::fakes::HUB_ROUTES;

/// After the longest back-off, the looks for a submission of which nobody knows what became, and the limit's line.
const RECOVERY: Duration = Duration::minutes(40);

async fn assert_all_ready(bench: &TestBench, all: &[Started]) {
    for started in all {
        let record = bench.record(started).await;
        assert_eq!(record["status"], "ready", "{record:#}");
        assert_eq!(record["retry"], Value::Null);
    }
    assert_eq!(bench.count("clients").await, all.len());
    assert_eq!(bench.count("channels").await, all.len());
    assert_eq!(bench.valid_keys().await, all.len());
    let keys = bench.stack.twins.vault.keys();
    assert_eq!(keys.len(), all.len());
    for (_, key) in keys {
        assert!(bench.client.key_works(&key).await.unwrap());
    }
    bench.assert_nothing_left();
}

#[tokio::test]
async fn an_outage_of_the_hub_of_six_hours_is_waited_out() {
    let bench = TestBench::new().await;
    // One has come as far as the number, one only starts, and one signs up while nothing works.
    let submitted = bench.signed_up("tenant-1", "one_number:1").await;
    bench.settle().await;
    bench.break_routes(&HUB_ROUTES, &json!({"status": 503})).await;
    let before = bench.client.start("tenant-2").await.unwrap();
    bench.live_on_schedule(Duration::HOUR).await;
    bench.pass(Duration::hours(2));
    let during = bench.signed_up("tenant-3", "one_number:3").await;
    bench.pass(Duration::hours(2));
    bench.live_on_schedule(Duration::HOUR).await;
    for (started, status) in [(&submitted, "submitted"), (&before, "started"), (&during, "signed_up")] {
        let record = bench.record(started).await;
        assert_eq!(record["status"], status);
    }
    // Nobody tries: the dispatcher asks once a minute itself.
    let calls = bench.hub_calls().await.len();
    assert!((110..=130).contains(&calls), "{calls} calls in the two hours that were not passed over");

    bench.mend().await;
    let popup = bench.client.popup("one_number:2", "finish").await.unwrap();
    assert_eq!(bench.client.es_callback(&before, &popup).await.unwrap().status, 200);
    bench.live_on_schedule(RECOVERY).await;
    assert_all_ready(&bench, &[submitted, before, during]).await;
}

#[tokio::test]
async fn an_outage_of_the_hub_of_77_hours_is_waited_out_and_told_once_for_each_status() {
    let bench = TestBench::new().await;
    let far = bench.signed_up("tenant-1", "one_number:1").await;
    bench.settle().await;
    bench.break_routes(&HUB_ROUTES, &json!({"status": 503})).await;
    let near = bench.signed_up("tenant-2", "one_number:2").await;
    let started = bench.client.start("tenant-3").await.unwrap();
    bench.pass(Duration::hours(6));
    bench.live_on_schedule(Duration::hours(1)).await;
    for (onboarding, status, longest) in [(&near, "signed_up", Duration::hours(6))] {
        let record = bench.record(onboarding).await;
        assert_eq!(record["status"], status);
        assert_eq!(time_of(&record["overdue_since"]) - time_of(&record["status_since"]), longest);
    }
    bench.pass(Duration::hours(69));
    bench.live_on_schedule(Duration::hours(1)).await;

    bench.mend().await;
    let popup = bench.client.popup("one_number:3", "finish").await.unwrap();
    assert_eq!(bench.client.es_callback(&started, &popup).await.unwrap().status, 200);
    bench.live_on_schedule(RECOVERY).await;
    for (onboarding, overdue) in [(&near, vec!["signed_up"]), (&started, vec![])] {
        assert_eq!(overdue_in(&bench.record(onboarding).await), overdue);
    }
    assert_all_ready(&bench, &[far, near, started]).await;
}

#[tokio::test]
async fn a_step_is_retried_for_as_long_as_its_call_goes_wrong() {
    // What may have been carried out is looked for twice before it is asked for again.
    for (route, how, in_two_hours, in_an_hour) in [
        ("list_clients", json!({"status": 500}), 12..=26, 4..=10),
        ("numbers", json!({"drop": true}), 4..=8, 1..=5),
        ("api_keys", json!({"status": 429}), 12..=26, 4..=10),
        ("set_message_webhook", json!({"body": "<html>"}), 12..=26, 4..=10),
    ] {
        let bench = TestBench::new().await;
        bench.break_routes(&[route], &how).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::hours(2)).await;
        // From seconds to a quarter of an hour apart.
        let tries = bench.calls_of(route).await.len();
        assert!(in_two_hours.contains(&tries), "{route}: {tries} tries");
        bench.pass(Duration::days(30));
        bench.live_through(Duration::hours(1)).await;
        let later = bench.calls_of(route).await.len() - tries;
        assert!(in_an_hour.contains(&later), "{route}: {later} tries in an hour");

        bench.mend().await;
        bench.live_through(RECOVERY).await;
        bench.assert_promise_kept(&started).await;
    }
}

/// The workers' secret with another key for the Hub.
fn with_hub_key(secret: &WorkerSecret, key: &str) -> WorkerSecret {
    WorkerSecret { hub: HubCredentials::ApiKey(SecretString::from(key)), ..secret.clone() }
}

#[tokio::test]
async fn refused_hub_credentials_fail_no_onboarding_and_all_finish_once_they_are_mended() {
    let bench = TestBench::new().await;
    let secret = &bench.stack.twins.worker;
    let good = secret.value().await.unwrap();
    let far = bench.signed_up("tenant-1", "one_number:1").await;
    bench.settle().await;
    secret.rotate(with_hub_key(&good, "not-the-key"));
    secret.refresh().await.unwrap();
    let near = bench.signed_up("tenant-2", "one_number:2").await;
    let started = bench.client.start("tenant-3").await.unwrap();

    // Days of it.
    bench.live_on_schedule(Duration::hours(2)).await;
    bench.pass(Duration::hours(76));
    bench.live_on_schedule(Duration::hours(1)).await;
    for (onboarding, status) in [(&near, "signed_up"), (&started, "started")] {
        let record = bench.record(onboarding).await;
        assert_eq!(record["status"], status, "{record:#}");
        assert!(record["retry"]["error"].as_str().unwrap().contains("credentials"), "{:#}", record["retry"]);
        let next_at = time_of(&record["retry"]["next_at"]);
        assert!(next_at - bench.now() <= Duration::minutes(15));
    }

    let popup = bench.client.popup("one_number:3", "finish").await.unwrap();
    assert_eq!(bench.client.es_callback(&started, &popup).await.unwrap().status, 200);
    secret.rotate((*good).clone());
    bench.live_on_schedule(RECOVERY * 2).await;
    assert_all_ready(&bench, &[far, near, started]).await;
}
