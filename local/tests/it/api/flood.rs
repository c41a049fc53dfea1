//! Ten thousand webhooks while the Hub hangs: each is kept and acknowledged, and none waits for the Hub.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::Handler;
use axum::middleware::map_request;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use lambda_http::Request;
use local::Options;
use local::settings::PLATFORM_SECRET;
use serde_json::{Value, json};
use sha2::Sha256;
use simulator::Around;

use crate::support::TestBench;
use crate::support::webhooks::channel_live;

const DELIVERIES: usize = 10_000;
/// As many as a function's sandboxes may well work at the same time.
const AT_ONCE: usize = 50;

/// A call to the Hub that hangs is given up after ten seconds, and not once: who waits for it takes longer than this.
const AT_MOST: std::time::Duration = std::time::Duration::from_secs(8);

/// A bench in which the calls that reach the fakes are counted.
fn watched(asked: &Arc<AtomicUsize>) -> Options {
    let asked = Arc::clone(asked);
    let around: Around = Arc::new(move |fakes| {
        let asked = Arc::clone(&asked);
        fakes.layer(map_request(move |request: axum::extract::Request| {
            asked.fetch_add(1, Ordering::SeqCst);
            ready(request)
        }))
    });
    Options { simulator: simulator::Settings { around: Some(around), ..Default::default() }, ..Options::default() }
}

/// A delivery as API Gateway hands it on.
fn delivery(body: &str) -> Request {
    let mac = Hmac::<Sha256>::new_from_slice(PLATFORM_SECRET.as_bytes()).unwrap().chain_update(body);
    let event = json!({
        "resource": "/webhooks/partner-hub",
        "path": "/webhooks/partner-hub",
        "httpMethod": "POST",
        "headers": {"x-360dialog-signature": hex::encode(mac.finalize().into_bytes())},
        "requestContext": {"resourcePath": "/webhooks/partner-hub", "httpMethod": "POST"},
        "body": body,
        "isBase64Encoded": false,
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_webhooks_are_acknowledged_while_the_hub_hangs_and_none_is_lost() {
    let asked = Arc::new(AtomicUsize::new(0));
    let bench = TestBench::with(watched(&asked)).await;
    let (started, channel_id) = bench.submitted().await;
    // Longer than any call may take: who waits for the Hub gets nothing.
    let hang: Value = ["list_clients", "create_client", "numbers", "list_channels", "api_keys"]
        .iter()
        .map(|route| json!({"route": route, "delay_ms": 600_000, "times": DELIVERIES}))
        .collect();
    bench.faults(hang).await;
    let live = channel_live(&bench, "evt_live").await;
    let before = asked.load(Ordering::SeqCst);

    // Of our channel and of strangers', full, short and unknown; one of them is what the onboarding waits for.
    let body = |n: usize| match n % 4 {
        _ if n == DELIVERIES / 2 => live.to_string(),
        0 => json!({"id": format!("evt_{n}"), "event": "channel_live", "data": {"id": format!("x{n}CH")}}).to_string(),
        1 => json!({"id": format!("evt_{n}"), "event": "news", "data": {"id": channel_id}}).to_string(),
        2 => json!({"event": "channel_running", "channel_id": format!("y{n}CH")}).to_string(),
        _ => json!([{"id": format!("evt_{n}"), "event": "template_messaging_enabled", "data": {}}]).to_string(),
    };
    let answers = futures_util::stream::iter(0..DELIVERIES).map(|n| {
        let (request, functions) = (delivery(&body(n)), Arc::clone(&bench.stack.functions));
        tokio::spawn(async move {
            let answer = tokio::time::timeout(AT_MOST, functions.webhook_receipt.handle(request)).await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
    });
    let acknowledged = answers
        .buffer_unordered(AT_ONCE)
        .filter(|acknowledged| ready(acknowledged.as_ref().is_ok_and(|acknowledged| *acknowledged)))
        .count()
        .await;

    assert_eq!(acknowledged, DELIVERIES);
    // Those that hang are not in the ledger, which holds calls that have ended.
    assert_eq!(asked.load(Ordering::SeqCst), before, "receipt asked the Hub");

    // None is lost: each that is acted on, which is every other, wakes the dispatcher, which finds it.
    let records = bench.stack.stream.records();
    let mut kept = std::collections::BTreeSet::new();
    for record in &records {
        let pk = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap();
        kept.insert(pk.strip_prefix("INBOX#").unwrap().to_owned());
    }
    assert_eq!(kept.len(), DELIVERIES / 2);
    let store = &bench.stack.twins.store;
    // One in ten is read again, which takes a third of the time of this test if it is done for all.
    let read = kept.iter().step_by(10).map(|key| {
        let key = key.parse().unwrap();
        async move { store.inbox(&key).await.unwrap() }
    });
    let found = futures_util::stream::iter(read)
        .buffer_unordered(AT_ONCE)
        .filter(|entry| ready(entry.as_ref().is_some_and(|entry| entry.body.is_some())));
    assert_eq!(found.count().await, DELIVERIES / 20);
    assert_eq!(bench.status(&started).await, "submitted");
}
