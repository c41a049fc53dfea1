//! Tokens that are missing, wrong, expired or somebody else's, and ids and routes that do not exist.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use secrets::{BundleSecret, Secret};
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::{Reply, send};

const UNKNOWN: &str = "onb_01890000000070008000000000000000";

/// Every route of one onboarding, with a body that would be taken.
fn routes(id: &str) -> [(Method, String, Value); 4] {
    let onboarding = format!("/v1/onboardings/{id}");
    [
        (Method::GET, onboarding.clone(), Value::Null),
        (Method::POST, format!("{onboarding}/es-callback"), json!({"session": {"event": "CANCEL"}})),
        (Method::POST, format!("{onboarding}/number"), json!({"phone_number_id": "51234567890"})),
        (Method::POST, format!("{onboarding}/retry"), json!({})),
    ]
}

async fn call(bench: &TestBench, (method, path, body): &(Method, String, Value), token: &str) -> Reply {
    send(bench.client.request(method.clone(), path, token).json(body)).await
}

#[tokio::test]
async fn a_request_without_a_token_learns_nothing_and_changes_nothing() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let before = bench.everything().await;
    for id in [started.id.as_str(), UNKNOWN] {
        for route in routes(id) {
            let reply = call(&bench, &route, "").await;
            reply.assert_problem(401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    }
    for authorization in ["Basic bG9jYWw6", "Bearer", "Bearer ", BACKEND_TOKEN, "bearer-local-backend-token"] {
        let request = bench.client.request(Method::POST, "/v1/onboardings", "").header("Authorization", authorization);
        send(request.json(&start_body("tenant-2"))).await.assert_problem(401, "unauthorized");
    }
    for path in ["/v1/onboardings", "/v1/onboardings?status=started"] {
        bench.get(path, "").await.assert_problem(401, "unauthorized");
    }
    assert_eq!(bench.everything().await, before);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_onboarding_are_answered_alike() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let other = bench.client.start("tenant-2").await.unwrap();
    let before = bench.everything().await;
    let nearly = format!("{}x", started.token());
    let wrong = ["wrong", other.token(), nearly.as_str()];
    for token in wrong {
        for (known, unknown) in routes(&started.id).iter().zip(&routes(UNKNOWN)) {
            let (mut known, mut unknown) = (call(&bench, known, token).await, call(&bench, unknown, token).await);
            for reply in [&mut known, &mut unknown] {
                reply.body["request_id"] = Value::Null;
            }
            assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
            assert!([401, 404].contains(&known.status));
        }
        for route in &routes(&started.id)[..3] {
            call(&bench, route, token).await.assert_problem(404, "not_found");
        }
        bench.post("/v1/onboardings", token, &start_body("tenant-3")).await.assert_problem(401, "unauthorized");
        bench.get("/v1/onboardings", token).await.assert_problem(401, "unauthorized");
    }
    assert_eq!(bench.everything().await, before);
}

#[tokio::test]
async fn the_back_end_does_not_act_as_the_customer_nor_the_customer_as_the_back_end() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let [show, callback, number, retry] = routes(&started.id);
    assert_eq!(call(&bench, &show, started.token()).await.status, 200, "opened, which is noted once");
    let before = bench.everything().await;
    for route in [&callback, &number] {
        call(&bench, route, BACKEND_TOKEN).await.assert_problem(404, "not_found");
    }
    call(&bench, &retry, started.token()).await.assert_problem(401, "unauthorized");
    bench.post("/v1/onboardings", started.token(), &start_body("x")).await.assert_problem(401, "unauthorized");
    bench.get("/v1/onboardings", started.token()).await.assert_problem(401, "unauthorized");
    call(&bench, &retry, BACKEND_TOKEN).await.assert_problem(409, "not_retryable");

    let setup = call(&bench, &show, started.token()).await.body;
    for hidden in ["reference", "history", "key", "setup_token_sha256", "attempts", "retry", "version"] {
        assert!(setup.get(hidden).is_none(), "{hidden}: {setup:#}");
    }
    let full = call(&bench, &show, BACKEND_TOKEN).await;
    assert_eq!(full.body["reference"], "tenant-1");
    assert!(!full.text.contains("sha256"), "{}", full.text);
    assert_eq!(bench.everything().await, before);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn an_expired_setup_token_says_so_and_the_onboarding_expires() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    bench.pass(Duration::days(7) - Duration::SECOND);
    let [show, ..] = routes(&started.id);
    assert_eq!(call(&bench, &show, started.token()).await.status, 200);

    bench.pass(Duration::SECOND);
    let before = bench.everything().await;
    for route in &routes(&started.id)[..3] {
        call(&bench, route, started.token()).await.assert_problem(410, "link_expired");
        call(&bench, route, "wrong").await.assert_problem(404, "not_found");
    }
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&started, &popup).await.assert_problem(410, "link_expired");
    assert_eq!(bench.calls("exchange_code").await, 0);
    assert_eq!(bench.everything().await, before);

    // Who opened the popup at the last moment is on record a minute later.
    bench.pass(Duration::minutes(1));
    bench.stack.functions.reconciliation.handle(None).await.unwrap();
    assert_eq!(bench.status(&started).await, "expired");
    call(&bench, &show, started.token()).await.assert_problem(410, "link_expired");
    bench.assert_nothing_left();
}

#[tokio::test]
async fn a_customer_who_signed_up_in_time_gets_the_key_though_the_link_has_expired() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    bench.pass(Duration::days(7) - Duration::SECOND);
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.live_through(Duration::seconds(2)).await;
    bench.stack.functions.reconciliation.handle(None).await.unwrap();
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn malformed_onboarding_ids_are_not_found() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let upper = started.id.to_uppercase();
    let longer = format!("{}0", started.id);
    for id in ["x", "onb_", "..%2f..", "onb_%00", "%20", "ONB%23x", upper.as_str(), longer.as_str(), &"9".repeat(3000)]
    {
        for route in &routes(id)[..3] {
            for token in [started.token(), BACKEND_TOKEN] {
                call(&bench, route, token).await.assert_problem(404, "not_found");
            }
        }
        call(&bench, &routes(id)[3], BACKEND_TOKEN).await.assert_problem(404, "not_found");
    }
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn unknown_routes_and_methods_are_not_found() {
    let bench = TestBench::new().await;
    for (method, path) in [
        (Method::GET, "/v1/nothing"),
        (Method::GET, "/v1/onboardings/a/b/c"),
        (Method::DELETE, "/v1/nothing"),
        (Method::GET, "/v1/webhooks/partner-hub"),
        (Method::DELETE, "/v1/onboardings"),
        (Method::PUT, "/v1/webhooks/meta"),
        (Method::POST, "/v1/signup"),
        (Method::GET, "/v1"),
    ] {
        send(bench.client.request(method, path, BACKEND_TOKEN)).await.assert_problem(404, "not_found");
    }
    let request = bench.client.request(Method::HEAD, "/v1/nothing", "");
    assert_eq!(send(request).await.status, 404);
    bench.get("/v1/signup/nothing.js", "").await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn a_rotated_back_end_token_is_accepted_at_once() {
    let bench = TestBench::new().await;
    let started: Started = bench.client.start("tenant-1").await.unwrap();
    let secret = &bench.stack.twins.bundle;
    let bundle = BundleSecret { backend_token: "rotated-token".into(), ..(*secret.value().await.unwrap()).clone() };
    secret.rotate(bundle);
    let path = format!("/v1/onboardings/{}", started.id);
    assert_eq!(bench.get(&path, "rotated-token").await.status, 200);
    bench.get(&path, BACKEND_TOKEN).await.assert_problem(404, "not_found");
    assert_eq!(bench.get(&path, started.token()).await.status, 200);
}
