//! The road of an imported channel, from the list to the key.

use std::collections::{BTreeMap, BTreeSet};

use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use super::{of, wanted, would};
use crate::support::TestBench;

/// How many onboardings of these are in each status.
async fn statuses(bench: &TestBench, import: &Value) -> BTreeMap<String, usize> {
    let mut statuses = BTreeMap::new();
    for channel in import["channels"].as_array().unwrap() {
        if channel["would"] == "import" {
            let status = bench.of_import(channel).await["status"].as_str().unwrap().to_owned();
            *statuses.entry(status).or_default() += 1;
        }
    }
    statuses
}

#[tokio::test]
async fn a_channel_without_a_key_gets_an_onboarding_and_a_key() {
    let bench = TestBench::new().await;
    let (channel, _) = bench.made_by_hand("one_number", None, false).await;
    bench.pass(Duration::hours(1));
    let import = bench.import_of(&[wanted(&channel["id"], "tenant-7")]).await;
    let shown = of(&import, &channel["id"]);
    assert_eq!(shown["would"], "import");
    assert_eq!(shown["client_id"], channel["client_id"]);
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.of_import(shown).await;
    assert_eq!(record["status"], "ready", "{record:#}");
    assert_eq!(record["reference"], "tenant-7");
    assert_eq!(record["signup"]["source"], "import");
    assert_eq!((&record["channel_id"], &record["client"]["id"]), (&channel["id"], &channel["client_id"]));
    let history: Vec<_> = record["history"].as_array().unwrap().iter().map(|entry| &entry["event"]["event"]).collect();
    assert_eq!(history, ["started", "imported", "no_key_found", "key_stored", "messaging_ready"]);
    assert_eq!(bench.keys_of(&channel["id"]).await.len(), 1);
    let told: Vec<Value> = crate::events::feed(&bench).await;
    // Time stands still, so that their ids have no order.
    let told: BTreeSet<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(told, BTreeSet::from(["onboarding.started", "onboarding.live", "onboarding.ready"]));
    assert!(record.get("setup_token_sha256").is_none() && record["link_revoked_at"].is_null());

    // It has no link until the partner makes one, which shows where it stands.
    let path = format!("/v1/onboardings/{}", record["id"].as_str().unwrap());
    let link = bench.post(&format!("{path}/link"), BACKEND_TOKEN, &json!({})).await;
    assert_eq!(link.status, 201, "{}", link.text);
    let token = link.body["setup_url"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
    assert_eq!(bench.get(&path, &token).await.body["status"], "ready");
}

#[tokio::test]
async fn a_key_in_use_is_replaced_only_on_the_partners_word() {
    let bench = TestBench::new().await;
    let (kept, _) = bench.made_by_hand("one_number:1", None, true).await;
    let (replaced, _) = bench.made_by_hand("one_number:2", None, true).await;
    bench.pass(Duration::hours(1));
    let mut channels = [wanted(&kept["id"], "tenant-1"), wanted(&replaced["id"], "tenant-2")];
    channels[1]["replace_key"] = json!(true);
    let import = bench.import_of(&channels).await;
    bench.live_through(Duration::minutes(10)).await;

    let record = bench.of_import(of(&import, &kept["id"])).await;
    assert_eq!((&record["status"], &record["problem"]["code"]), (&json!("failed"), &json!("channel_has_key")));
    assert_eq!(bench.keys_of(&kept["id"]).await[0]["made_by"], "hub");
    let record = bench.of_import(of(&import, &replaced["id"])).await;
    assert_eq!(record["status"], "ready", "{record:#}");
    let keys = bench.keys_of(&replaced["id"]).await;
    assert_eq!((keys.len(), &keys[0]["made_by"]), (1, &json!("partner")));

    // The word may come later.
    let path = format!("/v1/onboardings/{}/retry", of(&import, &kept["id"])["onboarding_id"].as_str().unwrap());
    assert_eq!(bench.post(&path, BACKEND_TOKEN, &json!({"replace_key": true})).await.status, 202);
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.of_import(of(&import, &kept["id"])).await["status"], "ready");
}

/// Three hundred channels, with a Hub that fails in the middle of its list and again one by one.
#[tokio::test]
async fn an_import_of_three_hundred_channels_goes_on_where_it_was_interrupted() {
    const CHANNELS: usize = 300;
    let bench = TestBench::new().await;
    // Somebody else's number is live under our onboarding.
    let ours = bench.signed_up("tenant-ours", "one_number:0").await;
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(&ours).await;
    let (anothers, _) = bench.made_by_hand("one_number:0", None, false).await;
    let mut made = Vec::new();
    for number in 1..CHANNELS {
        made.push(bench.made_by_hand(&format!("one_number:{number}"), None, number == 7).await.0["id"].clone());
    }
    let ended = json!({"channel_id": made[20], "step": "processed", "hub_status": "terminated"});
    bench.client.order("cancellation", &ended).await.unwrap();
    bench.pass(Duration::hours(1));
    let references = |id: &Value| wanted(id, id.as_str().unwrap());
    let mut channels: Vec<Value> = made.iter().map(references).collect();
    channels.push(references(&anothers["id"]));

    // A dry run of all that the Hub lists changes nothing.
    let dry = bench.import(&json!({"dry_run": true})).await;
    let dry = bench.import_done(&dry).await;
    assert_eq!((&dry["dry_run"], &dry["total"]), (&json!(true), &json!(CHANNELS + 1)), "and ours");
    assert_eq!(bench.get("/v1/onboardings", BACKEND_TOKEN).await.body["onboardings"].as_array().unwrap().len(), 1);

    let id = bench.import(&json!({ "channels": channels })).await;
    bench.fault(json!({"route": "list_channels", "status": 503, "times": 2})).await;
    let mut seen = 0;
    for _ in 0..2 {
        bench.live_through(Duration::minutes(2)).await;
        let import = bench.imported(&id).await;
        seen = import["done"].as_u64().unwrap();
        bench.fault(json!({"route": "list_channels", "drop": true, "times": 1})).await;
    }
    let import = bench.import_done(&id).await;
    assert_eq!(import["total"], CHANNELS, "{seen} before the second interruption");
    for channel in &channels {
        let (real, in_dry_run) = (would(&import, &channel["channel_id"]), would(&dry, &channel["channel_id"]));
        assert_eq!(real, in_dry_run, "what was foretold came true");
    }
    assert_eq!(would(&import, &made[20]), "ended");
    assert_eq!(would(&import, &anothers["id"]), "number_taken");
    assert_eq!(of(&import, &anothers["id"])["onboarding_id"], ours.id);

    // A customer who comes meanwhile is served first.
    let customer = bench.signed_up("tenant-customer", "one_number:900").await;
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(&customer).await;
    let before = statuses(&bench, &import).await;
    assert!(before["live"] > CHANNELS / 2, "{before:?}");

    bench.live_through(Duration::hours(2)).await;
    let after = statuses(&bench, &import).await;
    assert_eq!(after, BTreeMap::from([("failed".to_owned(), 1), ("ready".to_owned(), CHANNELS - 3)]));
    assert_eq!(bench.of_import(of(&import, &made[6])).await["problem"]["code"], "channel_has_key");
    let calls = bench.hub_calls().await;
    assert!(calls.iter().all(|call| call["status"] != 429), "without one 429");

    // Once more changes nothing.
    let again = bench.import_of(&channels).await;
    for channel in again["channels"].as_array().unwrap() {
        let known = of(&import, &channel["channel_id"]);
        if known["would"] == "import" {
            assert_eq!((&channel["would"], &channel["onboarding_id"]), (&json!("owned"), &known["onboarding_id"]));
        } else {
            assert_eq!(channel["would"], known["would"]);
        }
    }
}
