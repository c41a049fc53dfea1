//! The API is what `docs/openapi.yaml` says: every answer of every operation is provoked and held against the document.

use local::client::{Started, start_body};
use local::settings::{BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN};
use onboarding::Status;
use reqwest::Method;
use reqwest::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use time::Duration;

use crate::openapi::coverage::Coverage;
use crate::openapi::document::{Document, examples_of};
use crate::openapi::missing_secret::without_the_secret;
use crate::openapi::{imports_and_erasure, orders};
use crate::support::TestBench;
use crate::support::replies::{BODY_LIMIT, Reply};
use crate::support::webhooks::hmac_hex;

const UNKNOWN: &str = "onb_01890000000070008000000000000000";
const CANCEL: &str = r#"{"session": {"event": "CANCEL"}}"#;

#[tokio::test]
async fn every_answer_in_the_api_document_is_given_and_no_other() {
    let mut coverage = Coverage::new();
    // On the heap: a future of all of them is larger than the stack of a test.
    Box::pin(starting(&mut coverage)).await;
    Box::pin(wrong_calls(&mut coverage)).await;
    Box::pin(leaving_the_popup(&mut coverage)).await;
    Box::pin(finishing_the_popup(&mut coverage)).await;
    Box::pin(confirming(&mut coverage)).await;
    Box::pin(claiming(&mut coverage)).await;
    Box::pin(choosing(&mut coverage)).await;
    Box::pin(waiting_for_permission(&mut coverage)).await;
    Box::pin(failing_and_retrying(&mut coverage)).await;
    Box::pin(owning(&mut coverage)).await;
    Box::pin(orders::links(&mut coverage)).await;
    Box::pin(orders::wrong_orders(&mut coverage)).await;
    Box::pin(orders::the_life_of_a_number(&mut coverage)).await;
    Box::pin(orders::calling_off(&mut coverage)).await;
    Box::pin(orders::the_unexpected(&mut coverage)).await;
    Box::pin(imports_and_erasure::imports(&mut coverage)).await;
    Box::pin(imports_and_erasure::erasure(&mut coverage)).await;
    Box::pin(events(&mut coverage)).await;
    Box::pin(webhooks(&mut coverage)).await;
    Box::pin(the_page(&mut coverage)).await;
    Box::pin(without_the_secret(&mut coverage)).await;
    coverage.assert_all_seen();
}

#[test]
fn every_example_in_the_api_document_fits_its_schema() {
    let document = Document::read();
    let mut count = 0;
    for (method, path, operation) in document.operations() {
        let answers = operation["responses"].as_object().unwrap().values().map(|response| document.resolve(response));
        for body in operation.get("requestBody").into_iter().chain(answers) {
            for (schema, example) in examples_of(body) {
                let objections = document.objections(schema, example);
                assert!(objections.is_empty(), "{method} {path}: {example:#}: {objections:#?}");
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn every_status_is_in_the_api_document() {
    let statuses = Status::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(Document::read().words("/components/schemas/Status/enum"), statuses);
}

/// The examples of an operation's request.
pub(crate) fn examples(coverage: &Coverage, method: &str, path: &str) -> Vec<Value> {
    let (_, operation) = coverage.document.operation_of(method, path);
    let examples = examples_of(&operation["requestBody"]);
    assert!(!examples.is_empty(), "{method} {path}");
    examples.into_iter().map(|(_, example)| example.clone()).collect()
}

/// Shows an onboarding to both who may see it.
pub(crate) async fn show(coverage: &mut Coverage, bench: &TestBench, started: &Started, status: &str) {
    let path = format!("/onboardings/{}", started.id);
    for token in [BACKEND_TOKEN, started.token()] {
        let reply = coverage.get(bench, &path, token).await;
        assert_eq!((reply.status, reply.body["status"].as_str()), (200, Some(status)), "{}", reply.text);
    }
    let list = coverage.get(bench, &format!("/onboardings?status={status}"), BACKEND_TOKEN).await;
    assert_eq!(list.body["onboardings"][0]["status"], status, "{}", list.text);
}

pub(crate) async fn callback(coverage: &mut Coverage, bench: &TestBench, started: &Started, returned: &Value) -> Reply {
    coverage.post(bench, &format!("/onboardings/{}/es-callback", started.id), started.token(), returned).await
}

/// Finishes the popup with an account of the simulator, and asserts how that is answered.
async fn finish(
    coverage: &mut Coverage,
    bench: &TestBench,
    started: &Started,
    account: &str,
    outcome: &str,
    expected: &str,
) {
    let popup = bench.client.popup(account, outcome).await.unwrap();
    let reply = callback(coverage, bench, started, &popup).await;
    let answered = if reply.status == 200 { &reply.body["status"] } else { &reply.body["code"] };
    assert_eq!(answered, expected, "{}", reply.text);
}

async fn starting(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    for example in examples(coverage, "POST", "/onboardings") {
        let reply = coverage.post(&bench, "/onboardings", BACKEND_TOKEN, &example).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let started: Started = serde_json::from_value(reply.body).unwrap();
        show(coverage, &bench, &started, "started").await;
    }
    for (body, status) in [(start_body("tenant-1"), 201), (start_body("tenant-1"), 201), (start_body("tenant-2"), 409)]
    {
        let request = bench.client.request(Method::POST, "/v1/onboardings", BACKEND_TOKEN).json(&body);
        assert_eq!(coverage.call(request.header("Idempotency-Key", "order-4711")).await.status, status);
    }
    let full = json!({
        "reference": "tenant-5", "client": {"id": "hT3mVxCL"}, "tier": "premium", "locale": "pt-BR",
        "prefill": {"business": {"name": "Nordlicht"}}, "return_url": "https://partner.example/done?tenant=5",
    });
    assert_eq!(coverage.post(&bench, "/onboardings", BACKEND_TOKEN, &full).await.status, 201);
    let found = coverage.get(&bench, "/onboardings?reference=tenant-5", BACKEND_TOKEN).await;
    assert_eq!(found.body["onboardings"].as_array().unwrap().len(), 1);
    for filter in ["overdue=true", "client_id=hT3mVxCL", "updated_after=2026-01-01T00:00:00Z"] {
        coverage.get(&bench, &format!("/onboardings?{filter}"), BACKEND_TOKEN).await;
    }
    coverage.get(&bench, "/onboardings?overdue=false", BACKEND_TOKEN).await.assert_fields(&["overdue"]);
    coverage.get(&bench, "/onboardings?status=lost", BACKEND_TOKEN).await.assert_fields(&["status"]);
    let both = coverage.get(&bench, "/onboardings?status=started&reference=tenant-3", BACKEND_TOKEN).await;
    both.assert_problem(422, "unsupported_filter");
    coverage.get(&bench, "/onboardings", "").await.assert_problem(401, "unauthorized");

    let started = bench.client.start("tenant-4").await.unwrap();
    bench.live_through(Duration::minutes(2)).await;
    bench.pass(Duration::days(8));
    bench.stack.functions.reconciliation.handle(None).await.unwrap();
    let path = format!("/onboardings/{}", started.id);
    let record = coverage.get(&bench, &path, BACKEND_TOKEN).await;
    assert_eq!(record.body["status"], "expired");
    coverage.get(&bench, &path, started.token()).await.assert_problem(410, "link_expired");
    for (route, body) in [("es-callback", CANCEL), ("number", r#"{"phone_number_id": "51234567890"}"#)] {
        let reply = coverage.post_text(&bench, &format!("{path}/{route}"), started.token(), body.to_owned()).await;
        reply.assert_problem(410, "link_expired");
    }
}

/// Whatever is wrong with a call, on every route that has it.
async fn wrong_calls(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let path = format!("/onboardings/{}", started.id);
    let large = format!("{{\"reference\": \"{}\"}}", "r".repeat(BODY_LIMIT));
    for (route, token) in [
        ("/onboardings".to_owned(), BACKEND_TOKEN),
        (format!("{path}/es-callback"), started.token()),
        (format!("{path}/number"), started.token()),
    ] {
        coverage.post(&bench, &route, "", &json!({})).await.assert_problem(401, "unauthorized");
        coverage.post_text(&bench, &route, token, "{\"a".to_owned()).await.assert_problem(400, "invalid_json");
        coverage.post_text(&bench, &route, token, large.clone()).await.assert_problem(413, "too_large");
        coverage.post(&bench, &route, token, &json!({})).await.assert_problem(422, "invalid_field");
    }
    coverage.get(&bench, &path, "").await.assert_problem(401, "unauthorized");
    let retry = format!("{path}/retry");
    coverage.post(&bench, &retry, "", &json!({})).await.assert_problem(401, "unauthorized");
    coverage.post_text(&bench, &retry, BACKEND_TOKEN, "{\"a".to_owned()).await.assert_problem(400, "invalid_json");
    coverage.post_text(&bench, &retry, BACKEND_TOKEN, large).await.assert_problem(413, "too_large");
    coverage.post(&bench, &retry, BACKEND_TOKEN, &json!({"client": {}})).await.assert_problem(422, "invalid_field");
    for example in examples(coverage, "POST", &retry) {
        coverage.post(&bench, &retry, BACKEND_TOKEN, &example).await.assert_problem(409, "not_retryable");
    }
    let unknown = format!("/onboardings/{UNKNOWN}");
    coverage.get(&bench, &unknown, BACKEND_TOKEN).await.assert_problem(404, "not_found");
    for route in ["es-callback", "number", "retry", "claim"] {
        coverage
            .post(&bench, &format!("{unknown}/{route}"), BACKEND_TOKEN, &json!({}))
            .await
            .assert_problem(404, "not_found");
    }
}

async fn leaving_the_popup(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let path = format!("/onboardings/{}/es-callback", started.id);
    for example in examples(coverage, "POST", &path) {
        let reply = callback(coverage, &bench, &started, &example).await;
        // The example's code is made up; everything else about it is taken.
        let code = reply.body["code"].as_str();
        assert!(reply.status == 200 || code == Some("code_refused"), "{}", reply.text);
    }
    for outcome in ["cancel", "error", "report_error"] {
        finish(coverage, &bench, &started, "one_number", outcome, "started").await;
    }
    show(coverage, &bench, &started, "started").await;
    for number in 0..200 {
        bench.callback(&started, &json!({"code": format!("made-up-{number}")})).await;
    }
    finish(coverage, &bench, &started, "one_number", "finish", "too_many_attempts").await;
}

async fn finishing_the_popup(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let secret = json!({"error": {"message": "Error validating client secret.", "type": "OAuthException", "code": 1}});
    let refusal = json!({"error": {"message": "made up", "type": "OAuthException", "code": 200}});
    for (fault, expected) in [
        (json!({"route": "exchange_code", "status": 400, "body": secret}), "internal"),
        (json!({"route": "exchange_code", "status": 500}), "unavailable"),
        (json!({"route": "debug_token", "body": {"data": {"is_valid": false}}}), "token_not_ours"),
        (json!({"route": "phone_numbers", "status": 403, "body": {"error": refusal}}), "meta_refused"),
    ] {
        bench.faults(fault).await;
        finish(coverage, &bench, &started, "one_number", "finish", expected).await;
    }
    for (account, outcome, expected) in [
        ("one_number", "finish_without_code", "started"),
        ("other_customer", "finish", "waba_not_granted"),
        ("other_number", "finish", "number_not_in_waba"),
        ("no_number", "finish", "no_number"),
        ("unnarrowed_scopes", "finish_without_session", "waba_unknown"),
    ] {
        finish(coverage, &bench, &started, account, outcome, expected).await;
    }
    let late = bench.client.popup("one_number", "finish").await.unwrap();
    bench.pass(Duration::seconds(31));
    assert_eq!(callback(coverage, &bench, &started, &late).await.body["code"], "code_expired");

    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(callback(coverage, &bench, &started, &popup).await.body["status"], "signed_up");
    show(coverage, &bench, &started, "signed_up").await;
    finish(coverage, &bench, &started, "one_number", "finish", "already_signed_up").await;
    let other = bench.client.start("tenant-2").await.unwrap();
    assert_eq!(callback(coverage, &bench, &other, &popup).await.body["code"], "code_used");
    finish(coverage, &bench, &other, "one_number", "finish", "number_taken").await;

    let popup = bench.client.popup("one_number:own", "finish").await.unwrap();
    bench.faults(json!({"route": "exchange_code", "delay_ms": 300})).await;
    let (first, second) = {
        let path = format!("/v1/onboardings/{}/es-callback", other.id);
        let request = || bench.client.request(Method::POST, &path, other.token()).json(&popup);
        let mut second = Coverage::new();
        let both = tokio::join!(coverage.call(request()), second.call(request()));
        coverage.seen.append(&mut second.seen);
        both
    };
    let mut answers = [&first, &second].map(|reply| (reply.status, reply.body["code"].as_str().unwrap_or_default()));
    answers.sort_unstable();
    assert_eq!(answers, [(200, ""), (409, "in_progress")]);
    let path = format!("/onboardings/{}/retry", started.id);
    coverage.post(&bench, &path, BACKEND_TOKEN, &json!({})).await.assert_problem(409, "not_retryable");
}

async fn confirming(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.break_routes(&["debug_token"], &json!({"status": 500})).await;
    finish(coverage, &bench, &started, "one_number", "finish", "confirming").await;
    show(coverage, &bench, &started, "confirming").await;
    bench.skip(Duration::days(6) + Duration::hours(2)).await;
    show(coverage, &bench, &started, "started").await;
}

async fn claiming(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let signups = "/signups?state=unclaimed";
    coverage.get(&bench, signups, "").await.assert_problem(401, "unauthorized");
    for wrong in
        ["/signups", "/signups?state=other", "/signups?state=unclaimed&more=1", "/signups?state=unclaimed&cursor=x"]
    {
        coverage.get(&bench, wrong, BACKEND_TOKEN).await.assert_problem(422, "invalid_field");
    }
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let mut hint = popup.clone();
    hint["code"] = Value::Null;
    callback(coverage, &bench, &started, &hint).await;
    show(coverage, &bench, &started, "started").await;
    bench.client.order("account_update", &json!({"account": "one_number", "event": "PARTNER_ADDED"})).await.unwrap();
    bench.live_on_schedule(Duration::minutes(15)).await;
    assert_eq!(
        coverage.get(&bench, signups, BACKEND_TOKEN).await.body["signups"][0]["claimed_by"],
        json!([started.id])
    );

    let path = format!("/onboardings/{}/claim", started.id);
    coverage.post(&bench, &path, "", &json!({})).await.assert_problem(401, "unauthorized");
    coverage.post_text(&bench, &path, BACKEND_TOKEN, "{\"a".to_owned()).await.assert_problem(400, "invalid_json");
    let large = format!("{{\"a\": \"{}\"}}", "a".repeat(BODY_LIMIT));
    coverage.post_text(&bench, &path, BACKEND_TOKEN, large).await.assert_problem(413, "too_large");
    coverage.post(&bench, &path, BACKEND_TOKEN, &json!({})).await.assert_problem(422, "invalid_field");
    for example in examples(coverage, "POST", &path) {
        coverage.post(&bench, &path, BACKEND_TOKEN, &example).await.assert_problem(409, "signup_unknown");
    }
    let data = &popup["session"]["data"];
    let claim = json!({"waba_id": data["waba_id"], "phone_number_id": data["phone_number_id"]});
    let no_token = json!({"error": {"message": "No token", "type": "OAuthException", "code": 3962}});
    let app = simulator::Settings::default().app_id;
    let scopes = json!([{"scope": "whatsapp_business_management", "target_ids": ["409812357760199"]}]);
    let other_waba = json!({"data": {"is_valid": true, "app_id": app, "granular_scopes": scopes}});
    for (fault, status, code) in [
        (json!({"route": "recover_token", "status": 500}), 503, "unavailable"),
        (json!({"route": "recover_token", "status": 400, "body": no_token}), 422, "meta_refused"),
        (json!({"route": "debug_token", "body": {"data": {"is_valid": false}}}), 422, "token_not_ours"),
        (json!({"route": "debug_token", "body": other_waba}), 422, "waba_not_granted"),
    ] {
        bench.faults(fault).await;
        coverage.post(&bench, &path, BACKEND_TOKEN, &claim).await.assert_problem(status, code);
    }
    let number = json!({"waba_id": data["waba_id"], "phone_number_id": "512904417735201"});
    coverage.post(&bench, &path, BACKEND_TOKEN, &number).await.assert_problem(422, "number_not_in_waba");
    assert_eq!(coverage.post(&bench, &path, BACKEND_TOKEN, &claim).await.status, 200);
    show(coverage, &bench, &started, "signed_up").await;
    coverage.post(&bench, &path, BACKEND_TOKEN, &number).await.assert_problem(409, "already_signed_up");

    // As if Meta had reported the WABA of another of its numbers.
    let waba_id = data["waba_id"].as_str().unwrap().parse().unwrap();
    let (event, received_at) = ("PARTNER_ADDED".to_owned(), bench.now());
    let signup = store::UnclaimedSignup { waba_id, business_id: None, event, reported_at: None, received_at };
    bench.stack.twins.store.keep_unclaimed(&signup, true).await.unwrap();
    let other = bench.client.start("tenant-2").await.unwrap();
    let path = format!("/onboardings/{}/claim", other.id);
    coverage.post(&bench, &path, BACKEND_TOKEN, &claim).await.assert_problem(409, "number_taken");
}

async fn events(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(1)).await;
    let feed = coverage.get(&bench, "/events?limit=3", BACKEND_TOKEN).await;
    assert_eq!((feed.body["events"].as_array().unwrap().len(), &feed.body["has_more"]), (3, &json!(true)));
    coverage.get(&bench, "/events", "").await.assert_problem(401, "unauthorized");
    coverage.get(&bench, "/events?after=onb_1", BACKEND_TOKEN).await.assert_problem(422, "invalid_field");

    for path in ["/events/replay", "/events/test"] {
        coverage.post(&bench, path, "", &json!({})).await.assert_problem(401, "unauthorized");
    }
    let replay = "/events/replay";
    coverage.post_text(&bench, replay, BACKEND_TOKEN, "{\"a".to_owned()).await.assert_problem(400, "invalid_json");
    let large = format!("{{\"a\": \"{}\"}}", "a".repeat(BODY_LIMIT));
    coverage.post_text(&bench, replay, BACKEND_TOKEN, large).await.assert_problem(413, "too_large");
    coverage.post(&bench, replay, BACKEND_TOKEN, &json!({})).await.assert_problem(422, "invalid_field");
    for example in examples(coverage, "POST", replay) {
        assert_eq!(coverage.post(&bench, replay, BACKEND_TOKEN, &example).await.status, 202);
    }
    assert_eq!(coverage.post(&bench, "/events/test", BACKEND_TOKEN, &json!({})).await.status, 202);
}

async fn choosing(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let mut choosing = Vec::new();
    for reference in ["tenant-1", "tenant-2"] {
        let started = bench.client.start(reference).await.unwrap();
        finish(coverage, &bench, &started, "several_numbers", "finish", "number_choice").await;
        show(coverage, &bench, &started, "number_choice").await;
        choosing.push(started);
    }
    let ids = bench.record(&choosing[0]).await["numbers"].clone();
    let number = |n: usize| json!({"phone_number_id": ids[n]["id"]});
    for (n, started, expected) in
        [(0, 0, "signed_up"), (1, 0, "not_choosable"), (0, 1, "number_taken"), (1, 1, "signed_up")]
    {
        let started: &Started = &choosing[started];
        let reply =
            coverage.post(&bench, &format!("/onboardings/{}/number", started.id), started.token(), &number(n)).await;
        let answered = if reply.status == 202 { &reply.body["status"] } else { &reply.body["code"] };
        assert_eq!(answered, expected, "{}", reply.text);
    }
    for example in examples(coverage, "POST", "/onboardings/{id}/number") {
        // No number of this bench's, but taken as one.
        let path = format!("/onboardings/{}/number", choosing[0].id);
        let reply = coverage.post(&bench, &path, choosing[0].token(), &example).await;
        reply.assert_problem(409, "not_choosable");
    }
    bench.live_through(Duration::seconds(90)).await;
    show(coverage, &bench, &choosing[0], "ready").await;
}

async fn waiting_for_permission(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    bench.change(json!({"payment": "direct"})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    show(coverage, &bench, &started, "permission_required").await;
    let channel_id = bench.record(&started).await["channel_id"].clone();
    bench.break_routes(&["api_keys"], &json!({"status": 500})).await;
    bench.client.order("permission", &json!({"channel_id": channel_id, "granted": true})).await.unwrap();
    bench.live_through(Duration::seconds(2)).await;
    show(coverage, &bench, &started, "live").await;
    bench.live_on_schedule(Duration::minutes(75)).await;
    show(coverage, &bench, &started, "live").await;
    assert!(bench.record(&started).await["overdue_since"].is_string());
    bench.mend().await;
    bench.live_through(Duration::minutes(15)).await;
    show(coverage, &bench, &started, "ready").await;
}

async fn failing_and_retrying(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    bench.faults(json!({"route": "numbers", "status": 400, "times": 2})).await;
    bench.faults(json!({"route": "webhook", "lose": true, "times": 20})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    show(coverage, &bench, &started, "failed").await;
    let other = json!({"client": {"id": bench.record(&started).await["client"]["id"]}});
    let reply = coverage.post(&bench, &format!("/onboardings/{}/retry", started.id), BACKEND_TOKEN, &other).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    bench.live_through(Duration::seconds(40)).await;
    show(coverage, &bench, &started, "submitted").await;
    let ledger = bench.client.ledger().await.unwrap();
    let body = json!({"id": "evt_1", "event": "channel_created", "data": ledger["channels"][0]}).to_string();
    assert_eq!(bench.hub_webhook(&body).await.status, 200);
    bench.settle().await;
    show(coverage, &bench, &started, "submitted").await;
}

/// A number whose channel was there before, ends, and comes back with another onboarding.
async fn owning(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let client = start_body("tenant-1")["client"].clone();
    let made = bench.post_to_hub("account_sharing/clients", &client).await;
    let by_hand = json!({"account": "one_number", "client_id": made["id"]});
    bench.client.order("channels", &by_hand).await.unwrap();
    bench.pass(Duration::hours(1));
    let first = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(30)).await;
    show(coverage, &bench, &first, "ready").await;
    let channel_id = bench.record(&first).await["channel_id"].clone();
    bench.client.order("cancellation", &json!({"channel_id": channel_id, "step": "request"})).await.unwrap();
    bench.live_through(Duration::minutes(2)).await;
    bench.client.order("cancellation", &json!({"channel_id": channel_id, "step": "processed"})).await.unwrap();
    bench.live_through(Duration::minutes(2)).await;
    show(coverage, &bench, &first, "disconnected").await;
    bench.signed_up("tenant-2", "one_number").await;
    show(coverage, &bench, &first, "disconnected").await;

    // A submission of which nobody knows what became, and a number that is connected elsewhere.
    let bench = TestBench::new().await;
    bench.faults(json!({"route": "numbers", "drop": true})).await;
    let unseen = bench.signed_up("tenant-1", "one_number:1").await;
    bench.live_through(Duration::minutes(5)).await;
    show(coverage, &bench, &unseen, "signed_up").await;
    bench.client.order("channels", &json!({"account": "one_number:2"})).await.unwrap();
    let elsewhere = bench.signed_up("tenant-2", "one_number:2").await;
    bench.live_through(Duration::minutes(20)).await;
    show(coverage, &bench, &elsewhere, "failed").await;
}

async fn webhooks(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    let app_secret = simulator::Settings::default().app_secret;
    for (path, header, secret, prefix) in [
        ("/webhooks/partner-hub", "x-360dialog-signature", PLATFORM_SECRET, ""),
        ("/webhooks/meta", "x-hub-signature-256", app_secret.as_str(), "sha256="),
    ] {
        for example in examples(coverage, "POST", path) {
            let body = example.to_string();
            let signature = format!("{prefix}{}", hmac_hex(secret, body.as_bytes()));
            let request = || bench.client.request(Method::POST, &format!("/v1{path}"), "").body(body.clone());
            assert_eq!(coverage.call(request().header(header, &signature)).await.status, 200);
            coverage.call(request().header(header, "sha256=00")).await.assert_problem(401, "not_authentic");
        }
        coverage.post_text(&bench, path, "", "x".repeat((1 << 20) + 1)).await.assert_problem(413, "too_large");
    }
    let handshake =
        format!("/webhooks/meta?hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444");
    assert_eq!(coverage.get(&bench, &handshake, "").await.text, "1158201444");
    coverage.get(&bench, "/webhooks/meta", "").await.assert_problem(401, "not_authentic");
}

async fn the_page(coverage: &mut Coverage) {
    let bench = TestBench::new().await;
    for path in ["/signup", "/signup/return", "/signup/return?client=hT3mVxCL&channels=[Rb82LdCH]"] {
        assert!(coverage.get(&bench, path, "").await.text.starts_with("<!doctype html>"));
    }
    for asset in ["page.js", "style.css", "icon.svg", "en.json"] {
        let path = format!("/signup/{asset}");
        let reply = coverage.get(&bench, &path, "").await;
        let request = bench.client.request(Method::GET, &format!("/v1{path}"), "");
        assert_eq!(coverage.call(request.header(IF_NONE_MATCH, &reply.headers[ETAG])).await.status, 304);
    }
    for path in ["/signup/other.js", "/other"] {
        coverage.get(&bench, path, "").await.assert_problem(404, "not_found");
        let request =
            bench.client.request(Method::GET, &format!("/v1{path}"), "").header(ACCEPT, "text/html,*/*;q=0.8");
        assert_eq!(coverage.call(request).await.status, 404);
    }
    assert!(coverage.get(&bench, "/signup%23x", "").await.text.starts_with("<!doctype html>"));
    for (path, status) in [
        ("/signup", 200),
        ("/signup/return", 200),
        ("/signup/page.js", 200),
        ("/signup/other.js", 404),
        ("/signup/", 200),
        ("/other", 404),
    ] {
        let request = bench.client.request(Method::HEAD, &format!("/v1{path}"), "");
        assert_eq!(coverage.call(request).await.status, status, "{path}");
    }
}
