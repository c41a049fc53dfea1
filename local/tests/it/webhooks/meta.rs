//! Webhooks of Meta: the handshake, and `account_update`.

use local::settings::VERIFY_TOKEN;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::{Reply, send};
use crate::support::webhooks::hmac_hex;

async fn post(bench: &TestBench, body: &str, header: &str, signature: &str) -> Reply {
    let request = bench.client.request(Method::POST, "/v1/webhooks/meta", "").header(header, signature);
    send(request.body(body.to_owned())).await
}

#[tokio::test]
async fn the_webhook_handshake_is_answered_only_to_meta() {
    let bench = TestBench::new().await;
    let get = |query: String| {
        let bench = &bench;
        async move { bench.get(&format!("/v1/webhooks/meta{query}"), "").await }
    };
    let good = format!("?hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444");
    let reply = get(good.clone()).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "1158201444"));
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    for query in [
        String::new(),
        good.replace(VERIFY_TOKEN, "wrong"),
        good.replace(VERIFY_TOKEN, ""),
        good.replace("subscribe", "unsubscribe"),
        good.replace("&hub.challenge=1158201444", ""),
        format!("?hub.challenge=1158201444&token={VERIFY_TOKEN}"),
    ] {
        get(query).await.assert_problem(401, "not_authentic");
    }
    bench.change_secret(|bundle| bundle.meta_verify_token = "rotated-verify-token".into()).await;
    assert_eq!(get(good.replace(VERIFY_TOKEN, "rotated-verify-token")).await.status, 200);
}

#[tokio::test]
async fn an_account_update_is_kept_only_if_meta_signed_it() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let secret = simulator::Settings::default().app_secret;
    let value = json!({"event": "PARTNER_ADDED", "waba_info": {"waba_id": "40123456789"}});
    let entry = json!([{"id": "733100000000021", "changes": [{"field": "account_update", "value": value}]}]);
    let body = json!({"object": "whatsapp_business_account", "entry": entry}).to_string();
    let key = format!("meta#{}", hex::encode(Sha256::digest(&body)));
    let good = hmac_hex(&secret, body.as_bytes());
    for (header, signature) in [
        ("x-other", "1"),
        ("x-hub-signature-256", ""),
        ("x-hub-signature-256", &format!("sha256={}", hmac_hex("wrong", body.as_bytes()))),
        ("x-hub-signature-256", &format!("sha256={}", hmac_hex(&secret, b"{}"))),
        ("x-hub-signature", &format!("sha1={good}")),
        ("x-360dialog-signature", &hmac_hex(local::settings::PLATFORM_SECRET, body.as_bytes())),
    ] {
        post(&bench, &body, header, signature).await.assert_problem(401, "not_authentic");
    }
    assert_eq!(bench.inbox(&key).await, None);

    for _ in 0..2 {
        let reply = post(&bench, &body, "x-hub-signature-256", &format!("sha256={good}")).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, "{}"));
    }
    let kept = bench.inbox(&key).await.unwrap();
    assert_eq!((kept.body, kept.name.as_str()), (Some(body), "account_update"));
    assert_eq!(bench.outcome(&key).await, None, "the page has its time first");
    bench.live_on_schedule(Duration::minutes(15)).await;
    assert_eq!(bench.outcome(&key).await.as_deref(), Some("unclaimed"));
    bench.assert_nothing_left();
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn of_metas_webhooks_only_account_updates_are_kept_each_by_itself() {
    let bench = TestBench::new().await;
    let words = "private words of a chat";
    let chat = json!({"field": "messages", "value": {"messages": [{"text": {"body": words}}]}});
    let update = |waba: &str| json!({"field": "account_update", "value": {"event": "PARTNER_ADDED", "waba_info": {"waba_id": waba}}});
    let changes = json!([chat, update("40123456789"), update("40123456780"), {"field": words}, 7]);
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "time": 1, "changes": changes}]});
    let secret = simulator::Settings::default().app_secret;
    let signature = format!("sha256={}", hmac_hex(&secret, body.to_string().as_bytes()));
    assert_eq!(post(&bench, &body.to_string(), "x-hub-signature-256", &signature).await.status, 200);

    for change in meta_graph::webhook::split(body.to_string().as_bytes()) {
        let kept = bench.inbox(&format!("meta#{}", hex::encode(Sha256::digest(&change.body)))).await;
        let seen = bench.stack.twins.store.seen(store::Source::Meta, &change.body).await.unwrap();
        match change.field.as_deref() {
            Some("account_update") => {
                let kept = kept.unwrap().body.unwrap();
                assert!(seen.is_none() && kept == change.body && !kept.contains(words), "{kept}");
            }
            field => {
                assert_eq!(kept, None, "{field:?}");
                let name = seen.unwrap().name;
                assert!(["messages", ""].contains(&name.as_str()) || name.len() == 64, "{name}");
            }
        }
    }
    // Two of four wake somebody.
    assert_eq!(bench.stack.stream.records().len(), 2);
    bench.live_on_schedule(Duration::minutes(5)).await;
    bench.assert_nothing_left();
}
