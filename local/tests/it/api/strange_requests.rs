//! Requests with a valid value in the wrong place, or an invalid value in the right place.

use local::client::start_body;
use local::settings::{BACKEND_TOKEN, PLATFORM_SECRET};
use reqwest::Method;
use serde_json::json;

use crate::support::TestBench;
use crate::support::replies::{Reply, send};
use crate::support::webhooks::hmac_hex;

#[tokio::test]
async fn a_token_counts_in_its_header_and_nowhere_else() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let before = bench.everything().await;
    let onboarding = format!("/v1/onboardings/{}", started.id);
    for token in [started.token(), BACKEND_TOKEN] {
        for query in
            [format!("token={token}"), format!("access_token={token}"), format!("Authorization=Bearer%20{token}")]
        {
            for path in [onboarding.as_str(), "/v1/onboardings"] {
                bench.get(&format!("{path}?{query}"), "").await.assert_problem(401, "unauthorized");
            }
        }
        for header in ["x-api-key", "x-authorization", "cookie", "proxy-authorization"] {
            let request = bench.client.request(Method::GET, &onboarding, "").header(header, format!("Bearer {token}"));
            send(request).await.assert_problem(401, "unauthorized");
        }
        let request = bench.client.request(Method::GET, &format!("{onboarding}.{token}"), "");
        send(request).await.assert_problem(404, "not_found");
        let mut body = start_body("tenant-2");
        body["token"] = token.into();
        bench.post("/v1/onboardings", "", &body).await.assert_problem(401, "unauthorized");
    }
    assert_eq!(bench.everything().await, before);
    bench.finish(&started, "one_number").await;
}

/// What would begin another header, and what would be markup, in the ways in which it can be sent.
const INJECTIONS: [&str; 4] =
    ["x%0d%0aSet-Cookie:%20canary=1", "x%0aset-cookie:canary", "%3Cscript%3Ecanary%3C%2Fscript%3E", "x%00canary"];

#[tokio::test]
async fn nothing_in_a_request_becomes_a_header_of_its_answer() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let unharmed = |reply: &Reply, asked: &str| {
        assert!(reply.status < 500, "{asked}: {}", reply.text);
        assert!(reply.headers.get("set-cookie").is_none(), "{asked}");
        for (name, value) in &reply.headers {
            assert!(!value.as_bytes().windows(6).any(|bytes| bytes == b"canary"), "{asked}: {name}");
        }
        assert!(!reply.text.contains("<script>canary"), "{asked}");
    };
    for injection in INJECTIONS {
        for path in [
            format!("/v1/signup?x={injection}"),
            format!("/v1/signup/{injection}"),
            format!("/v1/signup/return?state={injection}&client={injection}&channels={injection}"),
            format!("/v1/onboardings?reference={injection}"),
            format!("/v1/onboardings?cursor={injection}"),
            format!("/v1/onboardings/{injection}"),
            format!("/v1/webhooks/meta?hub.mode=subscribe&hub.verify_token={injection}&hub.challenge={injection}"),
        ] {
            unharmed(&bench.get(&path, BACKEND_TOKEN).await, &path);
        }
    }
    for (header, value) in [
        ("if-none-match", "\"canary\""),
        ("x-forwarded-host", "canary.example"),
        ("x-forwarded-proto", "canary"),
        ("origin", "https://canary.example"),
        ("x-request-id", "canary"),
    ] {
        for path in ["/v1/signup", "/v1/signup/page.js", &format!("/v1/onboardings/{}", started.id)] {
            let reply = send(bench.client.request(Method::GET, path, BACKEND_TOKEN).header(header, value)).await;
            unharmed(&reply, header);
            assert!(!reply.text.contains("canary.example"), "{header}: {path}");
        }
    }
    // Texts of the partner's that would be headers or markup elsewhere stay what they are: JSON in JSON.
    let mut body = start_body("tenant-2");
    body["client"]["name"] = "</script><script>canary\u{2028}".into();
    let reply = bench.post("/v1/onboardings", BACKEND_TOKEN, &body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    body["client"]["name"] = "x\r\nSet-Cookie: canary=1".into();
    bench.post("/v1/onboardings", BACKEND_TOKEN, &body).await.assert_fields(&["client.name"]);
}

#[tokio::test]
async fn a_host_or_scheme_that_makes_no_url_is_answered_like_any_other() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let onboarding = format!("/v1/onboardings/{}", started.id);
    for (header, value) in [
        ("x-forwarded-proto", "1"),
        ("x-forwarded-proto", "https://a b"),
        ("host", "x:99999"),
        ("host", "[::"),
        ("host", "a b"),
        ("host", "%"),
    ] {
        for path in ["/v1/signup", "/v1/signup/page.js", &onboarding] {
            let reply = send(bench.client.request(Method::GET, path, BACKEND_TOKEN).header(header, value)).await;
            assert_eq!(reply.status, 200, "{header}: {value}, {path}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_list_by_a_reference_longer_than_the_limit_is_refused() {
    let bench = TestBench::new().await;
    for (length, status) in [(128, 200), (129, 422), (3000, 422)] {
        let path = format!("/v1/onboardings?reference={}", "a".repeat(length));
        assert_eq!(bench.get(&path, BACKEND_TOKEN).await.status, status, "{length}");
    }
}

#[tokio::test]
async fn deeply_nested_json_is_refused_by_the_api_and_kept_as_a_webhook() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let before = bench.everything().await;
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let onboarding = format!("/v1/onboardings/{}", started.id);
    for (path, token, member) in [
        ("/v1/onboardings", BACKEND_TOKEN, "prefill"),
        (&format!("{onboarding}/es-callback"), started.token(), "session"),
        (&format!("{onboarding}/number"), started.token(), "phone_number_id"),
    ] {
        for depth in [127, 1_000, 30_000] {
            let reply = bench.post_text(path, token, format!("{{\"{member}\": {}}}", deep(depth))).await;
            assert!([400, 422].contains(&reply.status), "{path} {depth}: {}", reply.text);
            let reply = bench.post_text(path, token, "{\"a\":".repeat(depth.min(10_000))).await;
            assert!([400, 422].contains(&reply.status), "{path} {depth}: {}", reply.text);
        }
    }
    assert_eq!(bench.everything().await, before);

    for body in [deep(100_000), format!("{{\"event\": \"channel_live\", \"data\": {}}}", deep(100_000))] {
        let signature = hmac_hex(PLATFORM_SECRET, body.as_bytes());
        bench.hub_webhook_with(&body, "x-360dialog-signature", "0").await.assert_problem(401, "not_authentic");
        let reply = bench.hub_webhook_with(&body, "x-360dialog-signature", &signature).await;
        assert_eq!((reply.status, reply.body), (200, json!({})));
    }
    // An array holds one event: what is in it.
    assert!(bench.seen(&deep(99_999)).await.is_some());
    bench.settle().await;
    bench.assert_nothing_left();
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_webhook_that_is_larger_than_an_item_is_acknowledged_and_its_digest_kept() {
    let bench = TestBench::new().await;
    let body =
        json!({"id": "evt_large", "event": "channel_live", "data": {"id": "Zz98YxCH", "text": "x".repeat(1_000_000)}})
            .to_string();
    assert_eq!(bench.hub_webhook(&body).await.status, 200);
    let kept = bench.inbox("partner_hub#evt_large").await.unwrap();
    assert_eq!((kept.body, kept.size), (None, body.len()));
    bench.settle().await;
    bench.assert_nothing_left();
}
