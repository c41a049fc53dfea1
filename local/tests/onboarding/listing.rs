//! `GET /onboardings`: pages, filters, and cursors that are none of ours.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::Options;
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::world::World;

/// More than fit on two pages.
const COUNT: usize = 103;

async fn page(world: &World, query: &str) -> (Vec<String>, Option<String>) {
    let reply = world.get(&format!("/v1/onboardings?{query}"), BACKEND_TOKEN).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let shown = reply.body["onboardings"].as_array().unwrap();
    let ids = shown.iter().map(|onboarding| onboarding["id"].as_str().unwrap().to_owned()).collect();
    (ids, reply.body["next_cursor"].as_str().map(ToOwned::to_owned))
}

/// All pages, one after the other.
async fn pages(world: &World, filter: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let (ids, next) = page(world, &format!("{filter}&cursor={cursor}")).await;
        all.push(ids);
        match next {
            Some(next) => cursor = next,
            None => return all,
        }
    }
}

/// A world without the Hub's limit, so that many onboardings can be moved at once.
async fn unlimited() -> World {
    let mut options = Options::default();
    options.simulator.behaviour.rate_limit = None;
    World::with(options).await
}

#[tokio::test]
async fn pages_hold_every_onboarding_once_newest_first() {
    let world = unlimited().await;
    let mut ids = Vec::new();
    for number in 0..COUNT {
        ids.push(world.client.start(&format!("tenant-{}", number % 2)).await.unwrap().id);
        world.pass(Duration::SECOND);
    }
    ids.reverse();
    let all = pages(&world, "").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 3]);
    assert_eq!(all.concat(), ids);

    let odd: Vec<_> = ids.iter().step_by(2).cloned().collect();
    let all = pages(&world, "reference=tenant-0").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [50, 2]);
    assert_eq!(all.concat(), odd);
    assert_eq!(pages(&world, "reference=tenant-2").await.concat(), [""; 0]);

    // What comes while somebody reads moves nothing on the pages that follow.
    let (first, cursor) = page(&world, "").await;
    world.client.start("tenant-2").await.unwrap();
    let (second, _) = page(&world, &format!("cursor={}", cursor.unwrap())).await;
    assert_eq!([first, second].concat(), ids[..100]);
}

#[tokio::test]
async fn a_status_is_found_however_rare_it_is() {
    let world = unlimited().await;
    let signed_up = world.signed_up("tenant-1", "one_number").await;
    for number in 0..COUNT {
        world.client.start(&format!("tenant-{number}")).await.unwrap();
    }
    assert_eq!(pages(&world, "status=signed_up").await.concat(), [signed_up.id.as_str()]);
    assert_eq!(pages(&world, "status=signed_up&reference=tenant-1").await.concat(), [signed_up.id.as_str()]);
    assert_eq!(pages(&world, "status=signed_up&reference=tenant-2").await.concat(), [""; 0]);
    assert_eq!(pages(&world, "status=started").await.concat().len(), COUNT);
    assert_eq!(pages(&world, "status=ready").await.concat(), [""; 0]);
    world.live_through(Duration::seconds(2)).await;
    assert_eq!(pages(&world, "status=ready").await.concat(), [signed_up.id.as_str()]);
    world.assert_key_works(&signed_up).await;
}

#[tokio::test]
async fn a_cursor_that_is_none_of_ours_is_named_and_none_leads_out_of_the_list() {
    let world = World::new().await;
    let started = world.client.start("tenant-1").await.unwrap();
    let good = URL_SAFE_NO_PAD.encode(&started.id);
    let mut tampered = good.clone();
    tampered.replace_range(8..9, "!");
    for cursor in [
        "x".to_owned(),
        tampered,
        format!("{good}="),
        good[..20].to_owned(),
        URL_SAFE_NO_PAD.encode("LIMIT#hub"),
        URL_SAFE_NO_PAD.encode(json!({"pk": {"S": "LIMIT#hub"}}).to_string()),
        URL_SAFE_NO_PAD.encode([0xff, 0xfe]),
        "%F0%9F%98%80".to_owned(),
    ] {
        let reply = world.get(&format!("/v1/onboardings?cursor={cursor}"), BACKEND_TOKEN).await;
        reply.assert_fields(&["cursor"]);
    }
    // A place before everything, and one after everything.
    let places = [("onb_00000000000000000000000000000000", 0), ("onb_ffffffffffffffffffffffffffffffff", 1)];
    for (id, count) in places {
        let (ids, _) = page(&world, &format!("cursor={}", URL_SAFE_NO_PAD.encode(id))).await;
        assert_eq!(ids.len(), count, "{id}");
    }
}

#[tokio::test]
async fn a_status_that_is_none_is_named_with_those_that_are() {
    let world = World::new().await;
    for status in ["done", "Started", "started,ready", "%00"] {
        let reply = world.get(&format!("/v1/onboardings?status={status}"), BACKEND_TOKEN).await;
        reply.assert_fields(&["status"]);
        let message = reply.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("number_choice") && message.contains("ready"), "{message}");
    }
    let empty = world.get("/v1/onboardings?status=&reference=&cursor=", BACKEND_TOKEN).await;
    assert_eq!((empty.status, empty.body), (200, json!({"onboardings": [], "next_cursor": Value::Null})));
}
