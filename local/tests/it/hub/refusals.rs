//! The Hub refuses for good: the onboarding has failed, both sides are told why, and a retry leads on from there.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

const SAID: &str = "Not like this";

async fn refused(bench: &TestBench, route: &str, status: u16) -> Started {
    let body = json!({"meta": {"success": false, "http_code": status, "developer_message": SAID}});
    // The first time it may be an accident of a moment.
    bench.fault(json!({"route": route, "status": status, "body": body, "times": 2})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    started
}

#[tokio::test]
async fn a_refusal_by_the_hub_fails_the_onboarding_with_its_reason_and_a_retry_leads_on() {
    let permanent = [400, 403, 404, 422];
    for (route, step, code, statuses) in [
        ("list_clients", "client_account", "hub_refused", &permanent[..]),
        ("create_client", "client_account", "client_refused", &permanent),
        ("numbers", "number_submission", "number_refused", &permanent),
        ("api_keys", "key_creation", "hub_refused", &[405, 422]),
        ("set_message_webhook", "key_creation", "message_webhook_refused", &[400, 404, 422]),
    ] {
        for status in statuses {
            let bench = TestBench::new().await;
            let started = refused(&bench, route, *status).await;

            let record = bench.record(&started).await;
            assert_eq!(record["status"], "failed", "{route} {status}: {record:#}");
            let problem = &record["problem"];
            assert_eq!((problem["step"].as_str(), problem["code"].as_str()), (Some(step), Some(code)), "{problem}");
            assert_eq!(problem["retryable"], true);
            let said = format!("{status}): {SAID}");
            let plain = format!("{status}: {SAID}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(&said) || detail.contains(&plain), "{detail}");

            let view = bench.setup_view(&started).await;
            assert_eq!((view.status, view.body["status"].as_str()), (200, Some("failed")));
            assert_eq!(view.body["problem"]["code"], code);
            let for_customer = view.body["problem"]["detail"].as_str().unwrap();
            assert!(!for_customer.is_empty() && !for_customer.contains(SAID), "{for_customer}");
            assert_eq!(view.body["problem"]["step"], step);

            // Nothing goes on by itself.
            let calls = bench.hub_calls().await.len();
            bench.live_on_schedule(Duration::minutes(30)).await;
            assert_eq!(bench.hub_calls().await.len(), calls, "{route} {status}");
            bench.assert_nothing_left();

            let answer = bench.retry(&started).await;
            assert_eq!(answer.status, 202, "{}", answer.body);
            assert_eq!(answer.body["problem"], Value::Null);
            bench.live_through(Duration::minutes(1)).await;
            bench.assert_promise_kept(&started).await;
        }
    }
}

#[tokio::test]
async fn a_retry_into_the_same_refusal_fails_again() {
    let bench = TestBench::new().await;
    let started = refused(&bench, "numbers", 400).await;
    bench.fault(json!({"route": "numbers", "status": 404, "times": 2})).await;
    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(5)).await;
    let record = bench.record(&started).await;
    assert_eq!(record["status"], "failed");
    assert!(record["problem"]["detail"].as_str().unwrap().contains("404"), "{record:#}");
    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn only_a_failed_onboarding_can_be_retried_and_only_by_the_partner() {
    let bench = TestBench::new().await;
    let started = refused(&bench, "numbers", 400).await;
    let path = format!("/v1/onboardings/{}/retry", started.id);
    for token in ["", started.token(), "another-token"] {
        let answer = bench.client.post(&path, token, &json!({})).await.unwrap();
        assert_eq!((answer.status, answer.body["code"].as_str()), (401, Some("unauthorized")));
    }
    assert_eq!(bench.status(&started).await, "failed");

    assert_eq!(bench.retry(&started).await.status, 202);
    let again = bench.retry(&started).await;
    assert_eq!((again.status, again.body["code"].as_str()), (409, Some("not_retryable")));
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
    let ready = bench.retry(&started).await;
    assert_eq!((ready.status, ready.body["code"].as_str()), (409, Some("not_retryable")));

    let waiting = bench.client.start("tenant-2").await.unwrap();
    assert_eq!(bench.retry(&waiting).await.status, 409);
    let unknown = "/v1/onboardings/onb_0199d0f0000070008000000000000000/retry";
    assert_eq!(bench.client.post(unknown, BACKEND_TOKEN, &json!({})).await.unwrap().status, 404);
}

/// The number was taken all the same: its webhook proves that the step that failed has happened.
#[tokio::test]
async fn a_webhook_that_proves_a_refused_submission_heals_the_onboarding() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "numbers", "status": 400, "after_effect": true, "times": 2})).await;
    bench.fault(json!({"route": "webhook", "delay_ms": 600_000, "times": 10})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.status(&started).await, "failed");
    bench.live_through(Duration::minutes(15)).await;
    bench.assert_promise_kept(&started).await;
    let history = bench.record(&started).await["history"].clone();
    assert!(history.as_array().unwrap().iter().any(|entry| entry["to"] == "failed"), "{history:#}");
}

#[tokio::test]
async fn a_client_account_that_was_refused_can_be_corrected() {
    let bench = TestBench::new().await;
    let mut body = start_body("tenant-1");
    body["client"]["email"] = json!("lena.voss@mailinator.com");
    let answer = bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
    let started: Started = serde_json::from_value(answer.succeeded().unwrap()).unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.client.es_callback(&started, &popup).await.unwrap().succeeded().unwrap();
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.record(&started).await["problem"]["code"], "client_refused");

    for (client, field) in [
        (json!({"name": "Nordlicht", "email": "none", "user_name": "Lena Voss"}), "client.email"),
        (json!({"id": "no id"}), "client.id"),
        (json!({"name": "Nordlicht"}), "client.email"),
    ] {
        let answer = bench.retry_with(&started, &json!({"client": client})).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(
            answer.body["errors"].as_array().unwrap().iter().any(|error| error["field"] == field),
            "{}",
            answer.body
        );
        assert_eq!(bench.status(&started).await, "failed");
    }
    let right = &start_body("tenant-1")["client"];
    assert_eq!(bench.retry_with(&started, &json!({"client": right})).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_client_id_under_which_the_number_is_refused_can_be_corrected() {
    for right in [json!({"id": null}), start_body("tenant-1")["client"].clone()] {
        let bench = TestBench::new().await;
        let mut body = start_body("tenant-1");
        body["client"] = json!({"id": "gone00CL"});
        let answer = bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
        let started: Started = serde_json::from_value(answer.succeeded().unwrap()).unwrap();
        let popup = bench.client.popup("one_number", "finish").await.unwrap();
        bench.client.es_callback(&started, &popup).await.unwrap().succeeded().unwrap();
        bench.live_through(Duration::minutes(5)).await;
        assert_eq!(bench.record(&started).await["problem"]["code"], "number_refused");
        let client = match right.get("id") {
            Some(_) => json!({"id": bench.make_client("lena.voss@nordlicht.example").await}),
            None => right,
        };
        assert_eq!(bench.retry_with(&started, &json!({"client": client})).await.status, 202);
        bench.live_through(Duration::minutes(1)).await;
        bench.assert_promise_kept(&started).await;
    }
}

#[tokio::test]
async fn a_retry_keeps_a_client_account_that_was_not_at_fault() {
    let bench = TestBench::new().await;
    let started = refused(&bench, "api_keys", 422).await;
    let client = json!({"client": start_body("tenant-2")["client"]});
    let answer = bench.retry_with(&started, &client).await;
    assert_eq!((answer.status, answer.body["errors"][0]["field"].as_str()), (422, Some("client")), "{}", answer.body);
    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.retry_with(&started, &client).await.status, 409);
}
