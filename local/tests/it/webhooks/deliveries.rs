//! Webhooks of the Hub: repeated, contradictory, odd, and deliveries that woke nobody.

use serde_json::json;
use sha2::{Digest, Sha256};
use time::Duration;

use crate::support::TestBench;
use crate::support::log::Log;
use crate::support::webhooks::{channel_live, key_of};

#[tokio::test]
async fn a_webhook_that_comes_again_is_kept_once_and_has_one_effect() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let body = channel_live(&bench, "evt_1").await.to_string();
    for _ in 0..3 {
        assert_eq!(bench.hub_webhook(&body).await.status, 200);
    }
    let kept = bench.inbox("partner_hub#evt_1").await.unwrap();
    assert_eq!((kept.body.as_deref(), bench.outcome("partner_hub#evt_1").await), (Some(body.as_str()), None));
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
    let kept = bench.inbox("partner_hub#evt_1").await.unwrap();
    assert_eq!(bench.outcome("partner_hub#evt_1").await.as_deref(), Some("applied"));

    let before = bench.everything().await;
    assert_eq!(bench.hub_webhook(&body).await.status, 200);
    // Dealt with already: nobody is woken.
    assert!(bench.stack.stream.records().is_empty());
    assert_eq!(bench.everything().await, before);
    assert_eq!(bench.inbox("partner_hub#evt_1").await.unwrap(), kept);
    assert_eq!(bench.count("keys").await, 1);
}

#[tokio::test]
async fn ten_copies_of_channel_live_at_once_make_one_key() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let event = channel_live(&bench, "evt_1").await;
    let posts: Vec<_> = (0..10)
        .map(|_| {
            let (client, order) = (bench.client.clone(), json!({"event": event}));
            tokio::spawn(async move { client.order("webhook", &order).await.unwrap() })
        })
        .collect();
    for post in posts {
        assert_eq!(post.await.unwrap()["status"], 200);
    }
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.count("keys").await, 1);
}

#[tokio::test]
async fn a_webhook_with_a_known_id_and_another_body_is_kept_and_counts_too() {
    let bench = TestBench::new().await;
    let (started, channel_id) = bench.submitted().await;
    let first = json!({"id": "evt_1", "event": "cancellation_request", "data": {"id": channel_id}}).to_string();
    let second = channel_live(&bench, "evt_1").await.to_string();
    for body in [&first, &second, &second, &first] {
        assert_eq!(bench.hub_webhook(body).await.status, 200);
    }
    assert_eq!(bench.inbox("partner_hub#evt_1").await.unwrap().body, Some(first));
    let apart = format!("{}#{}", "partner_hub#evt_1", key_of(&second).trim_start_matches("partner_hub#"));
    assert_eq!(bench.inbox(&apart).await.unwrap().body, Some(second));
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn every_webhook_of_an_array_is_kept_and_bad_ones_do_not_spoil_good_ones() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let live = channel_live(&bench, "evt_2").await;
    let body = json!([{"id": "evt_1", "event": "news"}, null, 7, [], live, live, {"id": {"odd": 1}}]).to_string();
    assert_eq!(bench.hub_webhook(&body).await.status, 200);
    for element in ["null", "7", "[]", r#"{"id":{"odd":1}}"#] {
        assert_eq!(bench.seen(element).await.unwrap().name, "");
    }
    assert_eq!(bench.seen(r#"{"event":"news","id":"evt_1"}"#).await.unwrap().name, "news");
    assert_eq!(bench.inbox("partner_hub#evt_1").await, None);
    assert_eq!(bench.inbox("partner_hub#evt_2").await.unwrap().body, Some(live.to_string()));
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn every_signed_webhook_is_noted_and_acknowledged() {
    let (log, _guard) = Log::listen();
    let bench = TestBench::new().await;
    let (started, channel_id) = bench.submitted().await;
    let before = bench.record(&started).await;
    let unknown = json!({"id": "evt_1", "event": "channel_repainted", "data": {"id": channel_id}}).to_string();
    let no_channel = json!({"event": "channel_live", "data": null}).to_string();
    let bodies =
        ["{}", "\"text\"", "null", unknown.as_str(), "", "not JSON", "{\"id\": \"evt_9\"", no_channel.as_str()];
    let unreadable = || log.lines_with("\"metric\":\"webhook_unreadable\"");
    for (n, body) in bodies.into_iter().enumerate() {
        let before = unreadable();
        assert_eq!(bench.hub_webhook(body).await.status, 200, "{body}");
        assert_eq!(unreadable() - before, usize::from(n >= 4), "{body}");
        let seen = bench.seen(body).await.unwrap();
        assert_eq!((seen.body, seen.size), (None, body.len()), "{body}");
        assert_eq!(bench.inbox(&key_of(body)).await, None, "{body}");
    }
    assert_eq!(bench.hub_webhook("[]").await.status, 200);
    assert!(bench.stack.stream.records().is_empty(), "nobody is woken");
    bench.settle().await;
    bench.assert_nothing_left();
    assert_eq!(bench.record(&started).await, before);

    let live = channel_live(&bench, "evt_2").await.to_string();
    assert_eq!(bench.hub_webhook(&live).await.status, 200);
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_webhook_that_is_not_utf8_is_kept_as_far_as_it_is_text() {
    let bench = TestBench::new().await;
    let body = b"{\"event\": \"cancellation_request\", \"channel_id\": \"Zz98YxCH\", \"name\": \"\xff\"}";
    let signature = crate::support::webhooks::hmac_hex(local::settings::PLATFORM_SECRET, body);
    let request = bench.client.request(reqwest::Method::POST, "/v1/webhooks/partner-hub", "");
    let request = request.header("x-360dialog-signature", signature).body(body.to_vec());
    assert_eq!(crate::support::replies::send(request).await.status, 200);
    assert!(bench.inbox(&key_of(&String::from_utf8_lossy(body))).await.is_some());
    bench.settle().await;
    bench.assert_nothing_left();
}

#[tokio::test]
async fn half_a_character_in_a_webhook_does_no_harm() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let mut live = channel_live(&bench, "evt_1").await;
    live["data"]["phone_name"] = json!("NAME");
    let body = format!("\u{feff}{}", live.to_string().replace("NAME", "Caf\\ud83d"));
    assert_eq!(bench.hub_webhook(&body).await.status, 200);
    bench.settle().await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn no_chat_of_a_coexisting_number_is_kept_whatever_it_is_called() {
    let (log, _guard) = Log::listen();
    let bench = TestBench::new().await;
    let words = "private words of a chat";
    for name in ["history", "smb_app_state_sync", "smb_message_echoes", "news", words] {
        let event = json!({"id": words, "event": name, "data": {"id": "404", "text": {"body": words}}}).to_string();
        assert_eq!(bench.hub_webhook(&event).await.status, 200);
        let seen = bench.seen(&event).await.unwrap();
        let digest = hex::encode(Sha256::digest(words));
        assert_eq!((seen.name.as_str(), seen.body), (if name == words { &digest } else { name }, None));
        assert_eq!(bench.inbox(&format!("partner_hub#{words}")).await, None);
    }
    assert_eq!(log.lines_with(words), 0);
    bench.assert_nothing_left();
}

#[tokio::test]
async fn a_webhook_without_an_id_in_the_words_of_an_earlier_one_is_applied_again() {
    let bench = TestBench::new().await;
    let event = json!({"event": "cancellation_request", "channel_id": "Zz98YxCH"}).to_string();
    let outcome = async || bench.outcome(&key_of(&event)).await;
    assert_eq!(bench.hub_webhook(&event).await.status, 200);
    bench.settle().await;
    assert_eq!(outcome().await.as_deref(), Some("unmatched"));
    assert_eq!(bench.hub_webhook(&event).await.status, 200);
    assert_eq!(outcome().await.as_deref(), Some("unmatched"), "the same one, sent again");
    bench.pass(Duration::minutes(11));
    assert_eq!(bench.hub_webhook(&event).await.status, 200);
    assert_eq!(outcome().await, None);
    bench.settle().await;
    assert_eq!(outcome().await.as_deref(), Some("unmatched"));
}

#[tokio::test]
async fn a_webhook_over_a_mebibyte_is_not_even_hashed() {
    let bench = TestBench::new().await;
    let body = "x".repeat((1 << 20) + 1);
    bench.hub_webhook(&body).await.assert_problem(413, "too_large");
    let meta = bench.client.request(reqwest::Method::POST, "/v1/webhooks/meta", "").body(body);
    crate::support::replies::send(meta).await.assert_problem(413, "too_large");
}

#[tokio::test]
async fn a_webhook_that_wakes_nobody_is_found_in_the_inbox() {
    let bench = TestBench::new().await;
    let (started, _) = bench.submitted().await;
    let body = channel_live(&bench, "evt_1").await.to_string();
    assert_eq!(bench.hub_webhook(&body).await.status, 200);
    assert_eq!(bench.stack.stream.records().len(), 1, "the wake is lost");
    let calls = bench.calls("list_channels").await;
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
    // One question, whose channel it is.
    assert_eq!(bench.calls("list_channels").await, calls + 1);
}
