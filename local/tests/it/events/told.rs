//! Which events there are, and what they hold.

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use std::collections::BTreeSet;

use local::settings::BACKEND_TOKEN;
use onboarding::EventType;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::Duration;

use super::{WithWebhook, feed, types};
use crate::support::TestBench;

#[tokio::test]
async fn a_smooth_onboarding_is_told_step_by_step_on_the_bus_and_at_the_webhook() {
    let WithWebhook { bench, receiver } = WithWebhook::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    bench.setup_view(&started).await;
    bench.setup_view(&started).await;
    bench.finish(&started, "one_number").await;
    bench.live_through(Duration::minutes(1)).await;

    let feed = feed(&bench).await;
    let told = [
        "onboarding.started",
        "onboarding.updated",
        "onboarding.opened",
        "onboarding.confirmed",
        "onboarding.submitted",
        "onboarding.live",
        "onboarding.ready",
    ];
    assert_eq!(types(&feed).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(told));
    assert_eq!(feed.len(), told.len(), "{feed:#?}");
    let versions: BTreeSet<u64> =
        feed.iter().map(|event| event["data"]["onboarding"]["version"].as_u64().unwrap()).collect();
    assert_eq!(versions.len(), told.len(), "versions order the events of an onboarding");

    let received = receiver.received();
    assert!(received.iter().all(|received| received.problem.is_none()), "{received:#?}");
    let bus = bench.stack.twins.bus.events();
    assert_eq!((received.len(), bus.len()), (told.len(), told.len()));
    for event in &feed {
        let mut envelope = event.clone();
        let delivery = envelope.as_object_mut().unwrap().remove("delivery").unwrap();
        assert_eq!(delivery["webhook"]["state"], "delivered", "{delivery:#}");
        assert_eq!(delivery["webhook"]["tries"][0]["status"], 204, "{delivery:#}");
        assert!(delivery["event_bus"]["delivered_at"].is_string(), "{delivery:#}");
        let text = envelope.to_string();
        let same = |body: &str| serde_json::from_str::<Value>(body).unwrap() == envelope;
        assert!(received.iter().any(|received| same(&received.body)), "{text}");
        assert!(bus.iter().any(|put| same(&put.detail) && put.detail_type == envelope["type"]), "{text}");
    }

    let ready = feed.iter().find(|event| event["type"] == "onboarding.ready").unwrap();
    let record = bench.record(&started).await;
    let onboarding = &ready["data"]["onboarding"];
    assert_eq!(onboarding["status"], "ready");
    assert_eq!(onboarding["id"], record["id"]);
    assert_eq!(onboarding["client_id"], record["client"]["id"]);
    assert_eq!(onboarding["waba_id"], record["signup"]["waba_id"]);
    assert_eq!(onboarding["phone_number_id"], record["signup"]["number"]["id"]);
    assert_eq!(onboarding["channel_id"], record["channel_id"]);
    assert_eq!(onboarding["reference"], "tenant-1");
    assert_eq!(onboarding["metadata"], json!({}));
    let name = format!("local/channels/{}/api-key", record["channel_id"].as_str().unwrap());
    assert_eq!(onboarding["api_key"], json!({"store": "secrets_manager", "name": name, "region": "local"}));
}

/// One event of each type at least, however rare. A bench holds each against the document when it goes.
#[tokio::test]
async fn every_type_of_event_is_told() {
    let mut told = BTreeSet::new();
    for bench in [
        Box::pin(waits_for_permission_and_leaves()).await,
        Box::pin(fails_and_is_retried()).await,
        Box::pin(runs_out()).await,
        Box::pin(is_called_off()).await,
        Box::pin(gets_a_new_key()).await,
        Box::pin(is_reported()).await,
        Box::pin(is_of_a_stranger()).await,
    ] {
        bench.pass(Duration::seconds(11));
        told.extend(types(&feed(&bench).await).into_iter().map(str::to_owned));
    }
    let kinds = EventType::ALL.iter().map(|kind| kind.as_str());
    let missing: Vec<&str> = kinds.filter(|kind| !told.contains(*kind)).collect();
    assert_eq!(missing, [""; 0]);
}

async fn waits_for_permission_and_leaves() -> TestBench {
    let bench = TestBench::new().await;
    bench.change(json!({"payment": "direct"})).await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.setup_view(&started).await;
    let left = bench.client.popup("one_number", "cancel").await.unwrap();
    bench.callback(&started, &left).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.live_on_schedule(Duration::hours(2)).await;
    bench.pass(Duration::hours(78));
    bench.live_on_schedule(Duration::hours(1)).await;
    let channel_id = bench.record(&started).await["channel_id"].clone();
    bench.client.order("permission", &json!({"channel_id": channel_id, "granted": true})).await.unwrap();
    bench.live_through(Duration::minutes(1)).await;
    for step in ["request", "processed"] {
        bench.client.order("cancellation", &json!({"channel_id": channel_id, "step": step})).await.unwrap();
    }
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.status(&started).await, "disconnected");
    bench
}

async fn is_called_off() -> TestBench {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let path = format!("/v1/onboardings/{}/cancel", started.id);
    assert_eq!(bench.post(&path, BACKEND_TOKEN, &json!({})).await.status, 202);
    bench
}

async fn gets_a_new_key() -> TestBench {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    let path = format!("/v1/onboardings/{}/rotate-key", started.id);
    assert_eq!(bench.post(&path, BACKEND_TOKEN, &json!({})).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_key_works(&started).await;
    bench
}

async fn fails_and_is_retried() -> TestBench {
    let bench = TestBench::new().await;
    let body = json!({"meta": {"success": false, "http_code": 422, "developer_message": "Not like this"}});
    bench.fault(json!({"route": "numbers", "status": 422, "body": body, "times": 2})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.status(&started).await, "failed");
    assert_eq!(bench.retry(&started).await.status, 202);
    // The Hub is down for a while.
    bench.break_routes(&["numbers", "list_channels"], &json!({"status": 503})).await;
    bench.live_through(Duration::minutes(30)).await;
    bench.mend().await;
    bench.live_through(Duration::minutes(30)).await;
    bench.assert_promise_kept(&started).await;
    bench
}

async fn runs_out() -> TestBench {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    bench.pass(Duration::days(8));
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "expired");
    assert_eq!(bench.post("/v1/events/test", BACKEND_TOKEN, &json!({})).await.status, 202);
    bench.settle().await;
    bench
}

async fn is_reported() -> TestBench {
    let bench = TestBench::new().await;
    bench.at_meta("tenant-1").await;
    bench.client.popup("one_number", "finish").await.unwrap();
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(20)).await;
    assert_eq!(bench.unclaimed().await.len(), 1);
    bench
}

async fn is_of_a_stranger() -> TestBench {
    let bench = TestBench::new().await;
    let client_id = bench.make_client("other@nordlicht.example").await;
    let popup = bench.client.popup("one_number:other", "finish").await.unwrap();
    let ids = &popup["session"]["data"];
    let number = json!({
        "solution_id": simulator::Settings::default().solution_id,
        "client_id": client_id,
        "waba_external_id": ids["waba_id"],
        "channel_external_id": ids["phone_number_id"],
    });
    bench.post_to_hub("account_sharing/numbers", &number).await;
    bench.reconcile().await;
    for _ in 0..3 {
        bench.live_through(Duration::hours(25)).await;
        bench.reconcile().await;
    }
    bench
}

/// An event tells no more than ids, words and times, whatever the customer and the partner wrote.
#[tokio::test]
async fn no_event_holds_a_name_an_address_a_number_or_a_key() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let left = json!({"session": {"event": "CANCEL", "data": {"current_step": "Lena Voss", "error_code": "+49 30 901820143"}}});
    bench.callback(&started, &left).await;
    bench.finish(&started, "one_number").await;
    let record = bench.record(&started).await;
    let (_, key) = bench.stack.twins.vault.keys().remove(0);
    let details = &record["client"]["details"];
    let number = record["signup"]["number"]["display_phone_number"].as_str().unwrap();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let mut secret =
        vec![number.to_owned(), digits, started.token().to_owned(), key.api_key.expose_secret().to_owned()];
    let names = ["name", "email", "user_name"].map(|name| details[name].as_str().unwrap().to_owned());
    secret.extend(names);
    secret.extend(["Lena Voss".to_owned(), "901820143".to_owned(), bench.stack.origin.clone()]);
    let told = bench.stack.twins.bus.events();
    assert!(told.len() > 5, "{told:#?}");
    for event in told {
        for word in &secret {
            assert!(!event.detail.contains(word.as_str()), "{word}: {}", event.detail);
        }
    }
}
