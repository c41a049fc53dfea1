//! Bodies that are not what they should be, on every route that takes one.

use local::client::start_body;
use local::settings::BACKEND_TOKEN;
use serde_json::json;

use crate::support::TestBench;
use crate::support::replies::BODY_LIMIT;

/// What no route can take for JSON, or for a JSON object.
const UNREADABLE: [&[u8]; 9] =
    [b"", b"  \n", b"reference=1", b"{", b"{,}", b"[]", b"[{}]", b"\"text\"", b"{\"\xff\": 1}"];

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_and_changes_nothing() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let onboarding = format!("/v1/onboardings/{}", started.id);
    let routes = [
        ("/v1/onboardings".to_owned(), BACKEND_TOKEN),
        (format!("{onboarding}/es-callback"), started.token()),
        (format!("{onboarding}/number"), started.token()),
    ];
    let before = bench.everything().await;
    for (route, token) in &routes {
        for body in UNREADABLE {
            bench.post_text(route, token, body).await.assert_problem(400, "invalid_json");
        }
    }
    assert_eq!(bench.everything().await, before);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_body_with_text_after_its_json_object_is_refused() {
    let bench = TestBench::new().await;
    let body = format!("{} {{}}", start_body("tenant-1"));
    bench.post_text("/v1/onboardings", BACKEND_TOKEN, body).await.assert_problem(400, "invalid_json");
    assert_eq!(bench.everything().await["records"], json!([]));
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_not() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let onboarding = format!("/v1/onboardings/{}", started.id);
    let before = bench.everything().await;
    let routes = [
        ("/v1/onboardings".to_owned(), BACKEND_TOKEN),
        (format!("{onboarding}/es-callback"), started.token()),
        (format!("{onboarding}/number"), started.token()),
    ];
    for (route, token) in &routes {
        let body = format!("{{}}{}", " ".repeat(BODY_LIMIT - 1));
        assert_eq!(body.len(), BODY_LIMIT + 1);
        bench.post_text(route, token, body).await.assert_problem(413, "too_large");
        let body = format!("{{}}{}", " ".repeat(BODY_LIMIT - 2));
        assert_eq!(bench.post_text(route, token, body).await.status, 422);
    }
    assert_eq!(bench.everything().await, before);

    let body = start_body("tenant-2").to_string();
    let largest = format!("{body}{}", " ".repeat(BODY_LIMIT - body.len()));
    assert_eq!(bench.post_text("/v1/onboardings", BACKEND_TOKEN, largest).await.status, 201);
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named_by_its_path_and_its_value_is_not_repeated() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let before = bench.everything().await;
    let start = |pointer: &str, value: serde_json::Value| {
        let mut body = start_body("tenant-2");
        for optional in ["prefill", "tier", "return_url", "locale"] {
            body[optional] = json!(null);
        }
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (pointer, field) in [
        ("/reference", "reference"),
        ("/client", "client"),
        ("/client/name", "client.name"),
        ("/client/email", "client.email"),
        ("/client/user_name", "client.user_name"),
        ("/prefill", "prefill"),
        ("/tier", "tier"),
        ("/return_url", "return_url"),
        ("/locale", "locale"),
    ] {
        for value in [json!(7_654_321), json!(["shown-nowhere"]), json!(true)] {
            let reply = bench.post("/v1/onboardings", BACKEND_TOKEN, &start(pointer, value.clone())).await;
            reply.assert_fields(&[field]);
            assert!(!reply.text.contains("7654321") && !reply.text.contains("shown-nowhere"), "{}", reply.text);
        }
    }
    let callback = format!("/v1/onboardings/{}/es-callback", started.id);
    for (body, field) in [
        (json!({"code": 7_654_321}), "code"),
        (json!({"code": ["shown-nowhere"]}), "code"),
        (json!({"code": {"code": "shown-nowhere"}}), "code"),
        (json!({"code": ""}), "code"),
        (json!({"code": "c".repeat(4097)}), "code"),
        (json!({}), "code"),
        (json!({"code": null, "session": null}), "code"),
        (json!({"session": "shown-nowhere"}), "session"),
        (json!({"session": []}), "session"),
        (json!({"session": {}}), "session.event"),
        (json!({"session": {"event": 7_654_321}}), "session.event"),
        (json!({"session": {"event": "FINISH", "data": "shown-nowhere"}}), "session.data"),
    ] {
        let reply = bench.post(&callback, started.token(), &body).await;
        reply.assert_fields(&[field]);
        assert!(!reply.text.contains("7654321") && !reply.text.contains("shown-nowhere"), "{}", reply.text);
    }
    let number = format!("/v1/onboardings/{}/number", started.id);
    for (body, field) in [
        (json!({}), "phone_number_id"),
        (json!({"phone_number_id": 512_345_678_901_234_i64}), "phone_number_id"),
        (json!({"phone_number_id": "512 345"}), "phone_number_id"),
        (json!({"phone_number_id": "51234567890", "waba_id": "40123456789"}), "waba_id"),
    ] {
        bench.post(&number, started.token(), &body).await.assert_fields(&[field]);
    }
    assert_eq!(bench.everything().await, before);
    bench.finish(&started, "one_number").await;
}
