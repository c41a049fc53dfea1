//! What the partner's server wants of one onboarding, held against the document.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::openapi::conformance::{callback, examples, show};
use crate::openapi::coverage::Coverage;
use crate::support::TestBench;
use crate::support::replies::{BODY_LIMIT, Reply};

const UNKNOWN: &str = "onb_01890000000070008000000000000000";

async fn order(coverage: &mut Coverage, bench: &TestBench, started: &Started, order: &str) -> Reply {
    coverage.post(bench, &format!("/onboardings/{}/{order}", started.id), BACKEND_TOKEN, &json!({})).await
}

async fn renew(coverage: &mut Coverage, bench: &TestBench, started: &Started) -> Started {
    let reply = order(coverage, bench, started, "link").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    serde_json::from_value(reply.body).unwrap()
}

async fn delete_link(coverage: &mut Coverage, bench: &TestBench, id: &str, token: &str) -> Reply {
    coverage.call(bench.client.request(Method::DELETE, &format!("/v1/onboardings/{id}/link"), token)).await
}

/// Links, and what an old one is answered on each route of the page.
pub(crate) async fn links(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let mut body = start_body("tenant-1");
    body["renew_url"] = json!("https://partner.example/renew");
    let first = coverage.post(&bench, "/onboardings", BACKEND_TOKEN, &body).await;
    let first: Started = serde_json::from_value(first.body).unwrap();
    for example in examples(coverage, "POST", "/onboardings/{id}/link") {
        let path = format!("/onboardings/{}/link", first.id);
        assert_eq!(coverage.post(&bench, &path, BACKEND_TOKEN, &example).await.status, 201);
    }
    let second = renew(coverage, &bench, &first).await;
    show(coverage, &bench, &second, "started").await;
    old_link(coverage, &bench, &first, "link_renewed").await;
    bench.skip(Duration::days(8)).await;
    old_link(coverage, &bench, &second, "link_expired").await;
    let third = renew(coverage, &bench, &first).await;
    assert_eq!(delete_link(coverage, &bench, &first.id, BACKEND_TOKEN).await.status, 204);
    old_link(coverage, &bench, &third, "link_revoked").await;
    coverage.get(&bench, &format!("/onboardings/{}", first.id), BACKEND_TOKEN).await;
    delete_link(coverage, &bench, &first.id, "").await.assert_problem(401, "unauthorized");
    delete_link(coverage, &bench, UNKNOWN, BACKEND_TOKEN).await.assert_problem(404, "not_found");
    assert_eq!(order(coverage, &bench, &first, "cancel").await.status, 202);
    order(coverage, &bench, &first, "link").await.assert_problem(409, "ended");
    let path = format!("/onboardings/{}/link", first.id);
    coverage
        .post(&bench, &path, BACKEND_TOKEN, &json!({"expires_in_days": 0}))
        .await
        .assert_fields(&["expires_in_days"]);
}

async fn old_link(coverage: &mut Coverage, bench: &TestBench, link: &Started, code: &str) {
    let path = format!("/onboardings/{}", link.id);
    coverage.get(bench, &path, link.token()).await.assert_problem(410, code);
    let choice = json!({"phone_number_id": "51234567890"});
    coverage.post(bench, &format!("{path}/number"), link.token(), &choice).await.assert_problem(410, code);
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    callback(coverage, bench, link, &popup).await.assert_problem(410, code);
}

/// Calls that no order takes.
pub(crate) async fn wrong_orders(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    for order in ["link", "cancel", "disconnect", "reconnect", "rotate-key"] {
        let path = |id: &str| format!("/onboardings/{id}/{order}");
        coverage.post(&bench, &path(&started.id), "", &json!({})).await.assert_problem(401, "unauthorized");
        coverage.post(&bench, &path(UNKNOWN), BACKEND_TOKEN, &json!({})).await.assert_problem(404, "not_found");
        let text = async |coverage: &mut Coverage, text: String| {
            coverage.post_text(&bench, &path(&started.id), BACKEND_TOKEN, text).await
        };
        text(coverage, "{\"a".to_owned()).await.assert_problem(400, "invalid_json");
        text(coverage, format!("{{\"a\": \"{}\"}}", "a".repeat(BODY_LIMIT))).await.assert_problem(413, "too_large");
        text(coverage, r#"{"a": 1}"#.to_owned()).await.assert_problem(422, "invalid_field");
    }
    for word in ["disconnect", "reconnect", "rotate-key"] {
        order(coverage, &bench, &started, word).await.assert_problem(409, "not_ready");
    }
    assert_eq!(bench.status(&started).await, "started");
}

/// The life of a number that is ready: a new key, an end that is taken back, an end, and the deletion of its key.
pub(crate) async fn the_life_of_a_number(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    bench.change(json!({"cancelled_after_ms": 3_600_000})).await;
    let mut body = start_body("tenant-1");
    for example in examples(coverage, "POST", "/onboardings") {
        body.as_object_mut().unwrap().extend(example.as_object().unwrap().clone());
    }
    for unset in ["expected_phone_number", "expected_business_id", "client"] {
        body.as_object_mut().unwrap().remove(unset);
    }
    body["client"] = start_body("tenant-1")["client"].clone();
    body["success_url"] = json!("https://partner.example/done");
    let started = coverage.post(&bench, "/onboardings", BACKEND_TOKEN, &body).await;
    let started: Started = serde_json::from_value(started.body).unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    callback(coverage, &bench, &started, &popup).await;
    bench.live_through(Duration::minutes(10)).await;
    show(coverage, &bench, &started, "ready").await;
    order(coverage, &bench, &started, "cancel").await.assert_problem(409, "not_cancellable");
    assert_eq!(order(coverage, &bench, &started, "rotate-key").await.status, 202);
    show(coverage, &bench, &started, "ready").await;
    bench.live_through(Duration::minutes(1)).await;

    // Somebody asks for the end at 360dialog, which does not say at first what became of it.
    bench.fault(json!({"route": "list_channels", "status": 400})).await;
    let channel_id = bench.record(&started).await["channel_id"].clone();
    for step in ["request", "revoke"] {
        bench.client.order("cancellation", &json!({"channel_id": channel_id, "step": step})).await.unwrap();
        bench.live_through(Duration::seconds(1)).await;
    }
    show(coverage, &bench, &started, "ready").await;
    bench.live_through(Duration::hours(4)).await;

    // Once the answer is lost, and once 360dialog shows at the next look that nothing has come of the request.
    bench.fault(json!({"route": "request_cancellation", "status": 502})).await;
    assert_eq!(order(coverage, &bench, &started, "disconnect").await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    show(coverage, &bench, &started, "ready").await;
    bench.live_through(Duration::minutes(10)).await;
    assert!(bench.record(&started).await["channel_end"]["accepted_at"].is_string());
    show(coverage, &bench, &started, "ready").await;
    assert_eq!(order(coverage, &bench, &started, "reconnect").await.status, 202);
    show(coverage, &bench, &started, "ready").await;
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.record(&started).await["channel_end"], Value::Null);
    assert_eq!(order(coverage, &bench, &started, "disconnect").await.status, 202);
    bench.live_on_schedule(Duration::hours(2)).await;
    show(coverage, &bench, &started, "disconnected").await;
    order(coverage, &bench, &started, "reconnect").await.assert_problem(409, "ended");
    bench.skip(Duration::days(30)).await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    let shown = coverage.get(&bench, &format!("/onboardings/{}", started.id), BACKEND_TOKEN).await;
    assert!(shown.body["key_deleted_at"].is_string(), "{}", shown.text);
}

/// An onboarding that is called off while its number is being connected.
pub(crate) async fn calling_off(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    bench.change(json!({"cancelled_after_ms": 60_000})).await;
    let (started, _) = bench.submitted().await;
    assert_eq!(order(coverage, &bench, &started, "cancel").await.status, 202);
    show(coverage, &bench, &started, "cancelled").await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    callback(coverage, &bench, &started, &popup).await.assert_problem(409, "ended");
    let claim = json!({"waba_id": "409812357760143", "phone_number_id": "512904417735201"});
    let path = format!("/onboardings/{}/claim", started.id);
    coverage.post(&bench, &path, BACKEND_TOKEN, &claim).await.assert_problem(409, "ended");
    bench.live_through(Duration::minutes(10)).await;
    show(coverage, &bench, &started, "cancelled").await;
    order(coverage, &bench, &started, "rotate-key").await.assert_problem(409, "not_ready");
}

/// Signups that are not what the partner expects.
pub(crate) async fn the_unexpected(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let claim = bench.reported_signup("one_number").await;
    for (member, value, code) in [
        ("expected_phone_number", "+49 30 901820143", "number_not_expected"),
        ("expected_business_id", "200000000000001", "business_not_expected"),
    ] {
        let mut body = start_body(code);
        body[member] = json!(value);
        let started = coverage.post(&bench, "/onboardings", BACKEND_TOKEN, &body).await;
        let started: Started = serde_json::from_value(started.body).unwrap();
        let popup = bench.client.popup("one_number", "finish").await.unwrap();
        callback(coverage, &bench, &started, &popup).await.assert_problem(422, code);
        let path = format!("/onboardings/{}/claim", started.id);
        coverage.post(&bench, &path, BACKEND_TOKEN, &claim).await.assert_problem(422, code);
        show(coverage, &bench, &started, "started").await;
    }
}
