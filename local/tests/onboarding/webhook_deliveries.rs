//! Webhooks of the Hub: repeated, contradictory, odd, and deliveries that could not be queued.

use queue::Worker;
use serde_json::json;

use crate::hooks::{channel_live, key_of};
use crate::world::World;

fn waiting(world: &World) -> usize {
    world.stack.world.queue.len(Worker::KeyCreation)
}

#[tokio::test]
async fn a_webhook_that_comes_again_is_kept_once_and_has_one_effect() {
    let world = World::new().await;
    let (started, _) = world.submitted().await;
    let body = channel_live(&world, "evt_1").await.to_string();
    for _ in 0..3 {
        assert_eq!(world.hub_webhook(&body).await.status, 200);
    }
    let kept = world.inbox("partner_hub#evt_1").await.unwrap();
    assert_eq!((kept.body.as_deref(), kept.processed_at), (Some(body.as_str()), None));
    world.settle().await;
    world.assert_promise_kept(&started).await;
    let kept = world.inbox("partner_hub#evt_1").await.unwrap();
    assert_eq!(kept.outcome.as_deref(), Some("applied"));

    let before = world.everything().await;
    assert_eq!(world.hub_webhook(&body).await.status, 200);
    // Dealt with already: it is not even queued.
    assert_eq!(waiting(&world), 0);
    assert_eq!(world.everything().await, before);
    assert_eq!(world.inbox("partner_hub#evt_1").await.unwrap(), kept);
    assert_eq!(world.count("keys").await, 1);
}

#[tokio::test]
async fn ten_copies_at_once_make_one_key() {
    let world = World::new().await;
    let (started, _) = world.submitted().await;
    let event = channel_live(&world, "evt_1").await;
    let posts: Vec<_> = (0..10)
        .map(|_| {
            let (client, order) = (world.client.clone(), json!({"event": event}));
            tokio::spawn(async move { client.order("webhook", &order).await.unwrap() })
        })
        .collect();
    for post in posts {
        assert_eq!(post.await.unwrap()["status"], 200);
    }
    world.settle().await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.count("keys").await, 1);
}

#[tokio::test]
async fn another_body_under_the_same_id_is_kept_apart_and_counts_too() {
    let world = World::new().await;
    let (started, channel_id) = world.submitted().await;
    let first = json!({"id": "evt_1", "event": "template_messaging_enabled", "data": {"id": channel_id}}).to_string();
    let second = channel_live(&world, "evt_1").await.to_string();
    for body in [&first, &second, &second, &first] {
        assert_eq!(world.hub_webhook(body).await.status, 200);
    }
    assert_eq!(world.inbox("partner_hub#evt_1").await.unwrap().body, Some(first));
    let apart = format!("{}#{}", "partner_hub#evt_1", key_of(&second).trim_start_matches("partner_hub#"));
    assert_eq!(world.inbox(&apart).await.unwrap().body, Some(second));
    world.settle().await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn every_element_of_an_array_is_kept_and_the_bad_ones_do_not_spoil_the_good_ones() {
    let world = World::new().await;
    let (started, _) = world.submitted().await;
    let live = channel_live(&world, "evt_2").await;
    let body = json!([{"id": "evt_1", "event": "news"}, null, 7, [], live, live, {"id": {"odd": 1}}]).to_string();
    assert_eq!(world.hub_webhook(&body).await.status, 200);
    assert_eq!(world.inbox("partner_hub#evt_1").await.unwrap().name, "news");
    for element in ["null", "7", "[]", r#"{"id":{"odd":1}}"#] {
        assert_eq!(world.inbox(&key_of(element)).await.unwrap().body.as_deref(), Some(element));
    }
    assert_eq!(world.inbox("partner_hub#evt_2").await.unwrap().body, Some(live.to_string()));
    world.settle().await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.inbox("partner_hub#evt_1").await.unwrap().outcome.as_deref(), Some("ignored"));
}

#[tokio::test]
async fn whatever_is_signed_is_kept_and_acknowledged() {
    let world = World::new().await;
    let (started, channel_id) = world.submitted().await;
    let before = world.record(&started).await;
    let unknown = json!({"id": "evt_1", "event": "channel_repainted", "data": {"id": channel_id}}).to_string();
    let no_channel = json!({"event": "channel_live", "data": null}).to_string();
    let bodies = ["{}", "", "not JSON", "{\"id\": \"evt_9\"", "\"text\"", "null", no_channel.as_str()];
    assert_eq!(world.hub_webhook(&unknown).await.status, 200);
    for body in bodies {
        assert_eq!(world.hub_webhook(body).await.status, 200, "{body}");
        assert_eq!(world.inbox(&key_of(body)).await.unwrap().body.as_deref(), Some(body));
    }
    assert_eq!(world.hub_webhook("[]").await.status, 200);
    world.settle().await;
    world.assert_nothing_left();
    for key in bodies.map(key_of).into_iter().chain(["partner_hub#evt_1".to_owned()]) {
        let kept = world.inbox(&key).await.unwrap();
        assert_eq!(kept.outcome.as_deref(), Some("ignored"), "{:?}", kept.body);
    }
    assert_eq!(world.record(&started).await, before);

    let live = channel_live(&world, "evt_2").await.to_string();
    assert_eq!(world.hub_webhook(&live).await.status, 200);
    world.settle().await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept_as_far_as_they_are() {
    let world = World::new().await;
    let body = b"{\"event\": \"\xff\"}";
    let signature = crate::hooks::hmac_hex(local::settings::PLATFORM_SECRET, body);
    let request = world.client.request(reqwest::Method::POST, "/v1/webhooks/partner-hub", "");
    let request = request.header("x-360dialog-signature", signature).body(body.to_vec());
    assert_eq!(crate::answers::send(request).await.status, 200);
    assert!(world.inbox(&key_of("{\"event\": \"\u{fffd}\"}")).await.is_some());
    world.settle().await;
    world.assert_nothing_left();
}

#[tokio::test]
async fn a_webhook_that_cannot_be_queued_is_not_acknowledged_and_works_when_it_comes_again() {
    let world = World::new().await;
    let (started, _) = world.submitted().await;
    let body = channel_live(&world, "evt_1").await.to_string();
    world.stack.world.queue.fail_next(1);
    let reply = world.hub_webhook(&body).await;
    reply.assert_problem(500, "internal");
    assert!(!reply.text.contains("queue"), "{}", reply.text);
    assert_eq!(waiting(&world), 0);
    assert_eq!(world.status(&started).await, "submitted");

    assert_eq!(world.hub_webhook(&body).await.status, 200);
    assert_eq!(waiting(&world), 1);
    world.settle().await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_webhook_that_could_not_be_queued_and_never_comes_again_is_found_in_the_inbox() {
    let world = World::new().await;
    let (started, _) = world.submitted().await;
    let body = channel_live(&world, "evt_1").await.to_string();
    world.stack.world.queue.fail_next(1);
    world.hub_webhook(&body).await.assert_problem(500, "internal");
    let calls = world.calls("list_channels").await;
    world.pass(time::Duration::minutes(11));
    world.stack.functions.reconciliation.handle().await.unwrap();
    world.settle().await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.calls("list_channels").await, calls);
}

#[tokio::test]
async fn the_hub_repeats_until_we_acknowledge() {
    let world = World::new().await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.settle().await;
    // As many as the five events of a channel, and two repetitions.
    world.stack.world.queue.fail_next(7);
    world.live_through(time::Duration::seconds(30)).await;
    world.assert_promise_kept(&started).await;
    let ledger = world.client.ledger().await.unwrap();
    let refused = ledger["webhooks"].as_array().unwrap().iter().filter(|webhook| webhook["status"] == 500).count();
    assert_eq!(refused, 7);
}
