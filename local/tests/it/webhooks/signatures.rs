//! Webhooks of the Hub: who may send them.

use local::settings::PLATFORM_SECRET;
use time::Duration;

use crate::support::TestBench;
use crate::support::log::Log;
use crate::support::webhooks::{channel_live, hmac_hex};

const HEADER: &str = "x-360dialog-signature";

#[tokio::test]
async fn a_webhook_that_is_not_signed_with_our_secret_is_turned_away_and_not_kept() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let body = channel_live(&bench, "evt_forged").await.to_string();
    let good = hmac_hex(PLATFORM_SECRET, body.as_bytes());
    let other_body = hmac_hex(PLATFORM_SECRET, format!("{body} ").as_bytes());
    let other_secret = hmac_hex("another-platform-secret", body.as_bytes());
    let no_secret = hmac_hex("", body.as_bytes());
    let before = bench.everything().await;
    for (header, value) in [
        ("", ""),
        (HEADER, ""),
        (HEADER, "sha256="),
        (HEADER, &other_body),
        (HEADER, &other_secret),
        (HEADER, &no_secret),
        (HEADER, &good[..63]),
        (HEADER, &format!("{good}00")),
        (HEADER, &format!("sha1={good}")),
        (HEADER, PLATFORM_SECRET),
        ("x-hub-signature-256", &format!("sha256={good}")),
        ("x-partner-token", PLATFORM_SECRET),
        ("authorization", "Bearer local-backend-token"),
    ] {
        bench.hub_webhook_with(&body, header, value).await.assert_problem(401, "not_authentic");
    }
    assert_eq!(bench.everything().await, before);
    assert_eq!(bench.inbox("partner_hub#evt_forged").await, None);

    let reply = bench.hub_webhook(&body).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "{}"));
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_webhook_signature_may_be_prefixed_and_in_either_case() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let body = channel_live(&bench, "evt_1").await.to_string();
    let good = hmac_hex(PLATFORM_SECRET, body.as_bytes());
    for signature in
        [good.clone(), good.to_uppercase(), format!("sha256={good}"), format!("SHA256={}", good.to_uppercase())]
    {
        assert_eq!(bench.hub_webhook_with(&body, HEADER, &signature).await.status, 200, "{signature}");
    }
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.history(&started).await.iter().filter(|event| *event == "channel_live").count(), 1);
}

#[tokio::test]
async fn an_onboarding_survives_unsigned_and_wrongly_signed_deliveries() {
    for signature in ["none", "wrong"] {
        let bench = TestBench::new().await;
        let order = serde_json::json!({"route": "webhook.channel_live", "signature": signature});
        bench.faults(order).await;
        let running = serde_json::json!({"route": "webhook.channel_running", "lose": true});
        bench.faults(running).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::seconds(2)).await;
        assert_eq!(bench.status(&started).await, "submitted", "{signature}");
        // None of its copies will ever be right: the Hub is asked instead.
        bench.live_through(Duration::minutes(17)).await;
        bench.stack.functions.reconciliation.handle(None).await.unwrap();
        bench.settle().await;
        bench.assert_promise_kept(&started).await;
    }
}

/// A stranger can have webhooks rejected, but no channel found live of which the Hub told in vain.
#[tokio::test]
async fn an_operator_is_told_that_no_webhook_is_accepted_and_not_that_some_are_forged() {
    let (log, _guard) = Log::listen();
    for secret_is_wrong in [false, true] {
        let bench = TestBench::new().await;
        for event in ["channel_ready", "channel_running", "channel_live"] {
            let lost = serde_json::json!({"route": format!("webhook.{event}"), "lose": true, "times": 1_000_000});
            bench.faults(lost).await;
        }
        if secret_is_wrong {
            bench.change_secret(|bundle| bundle.platform_secret = Some("mistyped-platform-secret".into())).await;
        }
        for _ in 0..20 {
            bench.hub_webhook_with("{}", HEADER, &"0".repeat(64)).await.assert_problem(401, "not_authentic");
        }
        let told = log.lines_with(r#""metric":"webhook_missed""#);
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::minutes(20)).await;
        bench.assert_promise_kept(&started).await;
        let told = log.lines_with(r#""metric":"webhook_missed""#) - told;
        assert_eq!(told, usize::from(secret_is_wrong), "the secret is wrong: {secret_is_wrong}");
    }
}

#[tokio::test]
async fn both_platform_secrets_are_valid_during_a_rotation() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let signed = |secret: &'static str, id: &'static str| {
        let bench = &bench;
        async move {
            let body = channel_live(bench, id).await.to_string();
            bench.hub_webhook_with(&body, HEADER, &hmac_hex(secret, body.as_bytes())).await
        }
    };
    bench
        .change_secret(|bundle| {
            bundle.platform_secret_previous = bundle.platform_secret.replace("next-platform-secret".into());
        })
        .await;
    // The first one with the new secret makes us read the edge's secret again.
    assert_eq!(signed("next-platform-secret", "evt_1").await.status, 200);
    assert_eq!(signed(PLATFORM_SECRET, "evt_2").await.status, 200);
    signed("a-third-secret", "evt_3").await.assert_problem(401, "not_authentic");

    bench.change_secret(|bundle| bundle.platform_secret_previous = None).await;
    signed("a-third-secret", "evt_3").await.assert_problem(401, "not_authentic");
    signed(PLATFORM_SECRET, "evt_4").await.assert_problem(401, "not_authentic");
    assert_eq!(signed("next-platform-secret", "evt_5").await.status, 200);
    // Each of them may ask whose channel it is.
    bench.live_through(time::Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn only_the_shared_token_authenticates_webhooks_if_there_is_no_platform_secret() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let body = channel_live(&bench, "evt_1").await.to_string();
    // While there is a platform secret, the token does not count.
    bench.change_secret(|bundle| bundle.webhook_token = Some("shared-token".into())).await;
    bench.hub_webhook_with(&body, "x-partner-token", "shared-token").await.assert_problem(401, "not_authentic");

    bench.change_secret(|bundle| bundle.platform_secret = None).await;
    for (header, value) in
        [("", ""), ("x-partner-token", "wrong"), ("x-partner-token", ""), ("x-token", "shared-token")]
    {
        bench.hub_webhook_with(&body, header, value).await.assert_problem(401, "not_authentic");
    }
    bench.hub_webhook(&body).await.assert_problem(401, "not_authentic");
    assert_eq!(bench.inbox("partner_hub#evt_1").await, None);
    let reply = bench.hub_webhook_with(&body, "x-partner-token", "shared-token").await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "{}"));
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
}
