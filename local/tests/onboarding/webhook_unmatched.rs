//! Webhooks of channels that no onboarding knows, or knows only by their number.

use local::client::Started;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::answers::send;
use crate::hooks::channel_live;
use crate::world::World;

/// Somebody submits the number at the Hub by hand, for the client account that we made.
async fn submit_by_hand(world: &World, popup: &Value) {
    let client_id = world.client.ledger().await.unwrap()["clients"][0]["id"].clone();
    let fake = simulator::Settings::default();
    let path = format!("partners/{}/account_sharing/numbers", fake.partner_id);
    let url = format!("{}/{path}", world.stack.simulator.hub_url());
    let http = exchange::client().unwrap();
    let body = json!({
        "solution_id": fake.solution_id,
        "client_id": client_id,
        "waba_external_id": popup["session"]["data"]["waba_id"],
        "channel_external_id": popup["session"]["data"]["phone_number_id"],
    });
    let reply = send(http.request(Method::POST, url).header("X-API-Key", fake.api_key).json(&body)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

async fn started_and_client_known(world: &World) -> Started {
    let started = world.client.start("tenant-1").await.unwrap();
    world.settle().await;
    assert_eq!(world.count("clients").await, 1);
    started
}

/// Keys of the inbox entries of an event, by the ids in the ledger.
async fn kept(world: &World, event: &str) -> Vec<String> {
    let ledger = world.client.ledger().await.unwrap();
    let webhooks = ledger["webhooks"].as_array().unwrap().iter().filter(|webhook| webhook["event"] == event);
    webhooks.map(|webhook| format!("partner_hub#{}", webhook["id"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_channel_that_is_live_before_the_signup_is_matched_once_there_is_one() {
    let world = World::new().await;
    let started = started_and_client_known(&world).await;
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    submit_by_hand(&world, &popup).await;
    world.live_through(Duration::seconds(2)).await;
    let live = &kept(&world, "channel_live").await[0];
    assert_eq!(world.inbox(live).await.unwrap().processed_at, None);
    assert_eq!(world.status(&started).await, "started");
    world.assert_nothing_left();

    assert_eq!(world.callback(&started, &popup).await.status, 200);
    world.live_through(Duration::minutes(1)).await;
    world.stack.functions.reconciliation.handle().await.unwrap();
    world.settle().await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.inbox(live).await.unwrap().outcome.as_deref(), Some("applied"));
    assert_eq!(world.calls("list_channels").await, 0);
}

#[tokio::test]
async fn a_channel_that_is_live_before_we_made_the_number_call_is_known_by_its_number() {
    let world = World::new().await;
    let started = started_and_client_known(&world).await;
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(world.callback(&started, &popup).await.status, 200);
    submit_by_hand(&world, &popup).await;
    let live = channel_live(&world, "evt_early").await;
    let answer = world.client.order("webhook", &json!({"event": live})).await.unwrap();
    assert_eq!(answer["status"], 200);
    // It came before the Hub lets a key be made, and the call by hand is one that our limit does not know of.
    world.live_through(Duration::minutes(3)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_webhook_that_overtakes_the_answer_of_the_number_call_is_not_lost() {
    let world = World::new().await;
    world.faults(json!({"route": "webhook.channel_live", "copies": 3, "early": 2})).await;
    let started = world.signed_up("tenant-1", "one_number").await;
    world.live_through(Duration::seconds(2)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.count("keys").await, 1);
}

#[tokio::test]
async fn a_channel_that_nobody_ever_knows_waits_three_days_and_harms_nobody() {
    let world = World::new().await;
    let started = started_and_client_known(&world).await;
    let full = json!({"id": "evt_1", "event": "channel_live", "data": {
        "id": "Xy12AbCH", "external_id": "51999999999999", "waba_account": {"external_id": "40999999999999"},
    }});
    let legacy = json!({"event": "channel_live", "channel_id": "Zz98YxCH"});
    let seen = json!({"id": "evt_2", "event": "channel_created", "data": {"id": "Xy12AbCH"}});
    for event in [&full, &legacy, &seen] {
        let answer = world.client.order("webhook", &json!({"event": event})).await.unwrap();
        assert_eq!(answer["status"], 200);
    }
    world.settle().await;
    world.assert_nothing_left();
    let legacy = crate::hooks::key_of(&legacy.to_string());
    for key in ["partner_hub#evt_1", &legacy] {
        assert_eq!(world.inbox(key).await.unwrap().outcome, None, "{key}");
    }
    assert_eq!(world.inbox("partner_hub#evt_2").await.unwrap().outcome.as_deref(), Some("unmatched"));

    world.live_through(Duration::seconds(30)).await;
    world.finish(&started, "one_number").await;

    world.pass(Duration::hours(72));
    world.stack.functions.reconciliation.handle().await.unwrap();
    world.settle().await;
    for key in ["partner_hub#evt_1", &legacy] {
        assert_eq!(world.inbox(key).await.unwrap().outcome.as_deref(), Some("unmatched"), "{key}");
    }
    world.pass(Duration::days(1));
    let report = world.stack.functions.reconciliation.handle().await.unwrap();
    assert_eq!((report.webhooks, report.queued), (0, 0));
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_short_webhook_is_a_hint_for_which_the_hub_is_asked() {
    let world = World::new().await;
    let (started, channel_id) = world.submitted().await;
    let event = json!({"event": "channel_live", "channel_id": channel_id});
    world.client.order("webhook", &json!({"event": event})).await.unwrap();
    world.live_through(Duration::seconds(40)).await;
    world.assert_promise_kept(&started).await;
    assert_eq!(world.calls("list_channels").await, 1);
}
