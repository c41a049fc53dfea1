//! Imports, exports and erasures, held against the document.

use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde_json::json;
use time::Duration;

use crate::openapi::conformance::examples;
use crate::openapi::coverage::Coverage;
use crate::support::TestBench;

const UNKNOWN: &str = "onb_01890000000070008000000000000000";

/// What is imported, and what is not.
pub(crate) async fn imports(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let (channel, _) = bench.made_by_hand("one_number:1", None, true).await;
    bench.pass(Duration::hours(1));
    for example in examples(coverage, "POST", "/imports") {
        assert_eq!(coverage.post(&bench, "/imports", BACKEND_TOKEN, &example).await.status, 202);
    }
    let wanted = json!({"channels": [
        {"channel_id": channel["id"], "reference": "tenant-1"}, {"channel_id": "Xx99XxXCH", "reference": "tenant-2", "replace_key": true},
    ]});
    let begun = coverage.post(&bench, "/imports", BACKEND_TOKEN, &wanted).await;
    let path = format!("/imports/{}", begun.body["id"].as_str().unwrap());
    assert_eq!(coverage.get(&bench, &path, BACKEND_TOKEN).await.body["state"], "running");
    bench.fault(json!({"route": "list_channels", "status": 503})).await;
    bench.live_through(Duration::minutes(2)).await;
    coverage.get(&bench, &path, BACKEND_TOKEN).await;
    bench.live_through(Duration::minutes(40)).await;
    let done = coverage.get(&bench, &path, BACKEND_TOKEN).await;
    assert_eq!(done.body["state"], "done", "{}", done.text);
    coverage.get(&bench, &format!("{path}?limit=1"), BACKEND_TOKEN).await;
    let imported = done.body["channels"].as_array().unwrap().iter().find(|channel| channel["would"] == "import");
    let onboarding = imported.unwrap()["onboarding_id"].as_str().unwrap();
    coverage.get(&bench, &format!("/onboardings/{onboarding}"), BACKEND_TOKEN).await;

    coverage.post_text(&bench, "/imports", BACKEND_TOKEN, "{\"a".to_owned()).await.assert_problem(400, "invalid_json");
    let long = format!("{{\"a\": \"{}\"}}", "a".repeat(256 * 1024));
    coverage.post_text(&bench, "/imports", BACKEND_TOKEN, long).await.assert_problem(413, "too_large");
    coverage.post(&bench, "/imports", BACKEND_TOKEN, &json!({})).await.assert_fields(&["channels"]);
    coverage.post(&bench, "/imports", "", &json!({})).await.assert_problem(401, "unauthorized");
    coverage.get(&bench, &path, "").await.assert_problem(401, "unauthorized");
    coverage.get(&bench, &format!("{path}?limit=0"), BACKEND_TOKEN).await.assert_fields(&["limit"]);
    let unknown = "/imports/imp_01890000000070008000000000000000";
    coverage.get(&bench, unknown, BACKEND_TOKEN).await.assert_problem(404, "not_found");
}

/// What is kept of a customer is shown, and erased once the onboarding is at rest.
pub(crate) async fn erasure(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    let path = format!("/onboardings/{}", started.id);
    let erase = |id: &str, token: &str| bench.client.request(Method::DELETE, &format!("/v1/onboardings/{id}"), token);
    assert_eq!(coverage.get(&bench, &format!("{path}/export"), BACKEND_TOKEN).await.status, 200);
    coverage.call(erase(&started.id, BACKEND_TOKEN)).await.assert_problem(409, "not_at_rest");
    let channel_id = bench.record(&started).await["channel_id"].clone();
    let ended = json!({"channel_id": channel_id, "step": "processed", "hub_status": "terminated"});
    bench.client.order("cancellation", &ended).await.unwrap();
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(coverage.call(erase(&started.id, BACKEND_TOKEN)).await.status, 200);
    assert_eq!(coverage.get(&bench, &path, BACKEND_TOKEN).await.status, 200);
    assert_eq!(coverage.get(&bench, &format!("{path}/export"), BACKEND_TOKEN).await.status, 200);
    coverage.get(&bench, "/events", BACKEND_TOKEN).await;
    for order in ["retry", "link", "cancel", "disconnect", "reconnect", "rotate-key"] {
        let reply = coverage.post(&bench, &format!("{path}/{order}"), BACKEND_TOKEN, &json!({})).await;
        // What a repetition would be answered, it still is.
        assert!(reply.status == 202 || reply.body["code"] == "erased", "{order}: {}", reply.text);
    }
    let claim = json!({"waba_id": "409812357760143", "phone_number_id": "512904417735201"});
    coverage.post(&bench, &format!("{path}/claim"), BACKEND_TOKEN, &claim).await.assert_problem(409, "ended");
    coverage.call(erase(UNKNOWN, BACKEND_TOKEN)).await.assert_problem(404, "not_found");
    coverage.call(erase(&started.id, "")).await.assert_problem(401, "unauthorized");
    coverage
        .get(&bench, &format!("/onboardings/{UNKNOWN}/export"), BACKEND_TOKEN)
        .await
        .assert_problem(404, "not_found");
    coverage.get(&bench, &format!("{path}/export"), "").await.assert_problem(401, "unauthorized");
}
