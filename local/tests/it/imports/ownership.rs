//! Whose channel may be imported.

use aws_sdk_dynamodb::types::AttributeValue;
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use super::{of, wanted, would};
use crate::support::TestBench;
use crate::support::raw_table::{TABLE, bench_with_table};
use crate::support::replies::send;

#[tokio::test]
async fn a_channel_of_no_onboarding_that_the_sweep_told_of_is_imported_alone() {
    let bench = TestBench::new().await;
    bench.reconcile().await;
    let (channel, _) = bench.made_by_hand("one_number", None, false).await;
    bench.live_on_schedule(Duration::hours(25)).await;
    bench.live_through(Duration::minutes(1)).await;
    let events = crate::events::feed(&bench).await;
    let told = events.iter().find(|event| event["type"] == "channel.unknown").unwrap();
    assert_eq!(told["data"]["channel"]["channel_id"], channel["id"]);
    let before = bench.hub_calls().await.len();
    let import = bench.import_of(&[wanted(&told["data"]["channel"]["channel_id"], "tenant-1")]).await;
    assert_eq!(would(&import, &channel["id"]), "import");
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.of_import(of(&import, &channel["id"])).await["status"], "ready");
    assert_eq!(bench.hub_calls().await.len() - before, 3, "the channel, its keys, and the new one");
}

#[tokio::test]
async fn a_channel_that_is_not_there_or_not_live_is_said_to_be_so() {
    let bench = TestBench::new().await;
    let order = json!({"account": "one_number", "stage": "submitted"});
    let early = bench.client.post("/simulator/channels", "", &order).await.unwrap().body["channel"]["id"].clone();
    let nobodys = json!("Xx99XxXCH");
    let import = bench.import_of(&[wanted(&early, "a"), wanted(&nobodys, "b")]).await;
    assert_eq!((would(&import, &early), would(&import, &nobodys)), ("not_live".to_owned(), "unknown".to_owned()));
    assert_eq!(bench.get("/v1/onboardings", BACKEND_TOKEN).await.body["onboardings"], json!([]));
}

/// The customer's channel ended; somebody connected the number again at 360dialog.
#[tokio::test]
async fn the_number_of_an_onboarding_at_rest_goes_over_to_the_imported_channel() {
    let bench = TestBench::new().await;
    let former = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.record(&former).await;
    let ended = json!({"channel_id": record["channel_id"], "step": "processed", "hub_status": "terminated"});
    bench.client.order("cancellation", &ended).await.unwrap();
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.status(&former).await, "disconnected");
    let (channel, _) = bench.made_by_hand("one_number", Some(&record["client"]["id"]), false).await;
    bench.pass(Duration::hours(1));
    let import = bench.import_of(&[wanted(&channel["id"], "tenant-1")]).await;
    assert_eq!(would(&import, &channel["id"]), "import", "{import:#}");
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.of_import(of(&import, &channel["id"])).await;
    assert_eq!(record["status"], "ready", "{record:#}");
    assert_eq!(bench.record(&former).await["number_lost_to"], record["id"]);
}

/// It was there before the onboarding that was called off, so that it did not end with it.
#[tokio::test]
async fn the_channel_of_a_cancelled_onboarding_can_be_imported() {
    let bench = TestBench::new().await;
    let (channel, _) = bench.made_by_hand("one_number", None, true).await;
    bench.pass(Duration::hours(1));
    let first = bench.import_of(&[wanted(&channel["id"], "tenant-1")]).await;
    bench.live_through(Duration::minutes(10)).await;
    let first = bench.of_import(of(&first, &channel["id"])).await;
    assert_eq!(first["status"], "failed");
    let path = format!("/v1/onboardings/{}", first["id"].as_str().unwrap());
    let again = bench.import_of(&[wanted(&channel["id"], "tenant-2")]).await;
    assert_eq!(would(&again, &channel["id"]), "owned", "its retry leads on");
    assert_eq!(bench.post(&format!("{path}/cancel"), BACKEND_TOKEN, &json!({})).await.status, 202);
    bench.live_through(Duration::minutes(30)).await;
    let mut channels = [wanted(&channel["id"], "tenant-2")];
    channels[0]["replace_key"] = json!(true);
    let second = bench.import_of(&channels).await;
    assert_eq!(would(&second, &channel["id"]), "import", "{second:#}");
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.of_import(of(&second, &channel["id"])).await;
    assert_eq!((&record["status"], &record["reference"]), (&json!("ready"), &json!("tenant-2")), "{record:#}");
    assert_eq!(bench.get(&path, BACKEND_TOKEN).await.body["number_lost_to"], record["id"]);
}

/// Nothing leads on from what was erased, so that its channel is nobody's.
#[tokio::test]
async fn the_channel_of_an_erased_onboarding_can_be_imported() {
    let bench = TestBench::new().await;
    let (channel, _) = bench.made_by_hand("one_number", None, true).await;
    bench.pass(Duration::hours(1));
    let first = bench.import_of(&[wanted(&channel["id"], "tenant-1")]).await;
    bench.live_through(Duration::minutes(10)).await;
    let path = format!("/v1/onboardings/{}", of(&first, &channel["id"])["onboarding_id"].as_str().unwrap());
    let reply = send(bench.client.request(Method::DELETE, &path, BACKEND_TOKEN)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let second = bench.import_of(&[wanted(&channel["id"], "tenant-2")]).await;
    assert_eq!(would(&second, &channel["id"]), "import");
    bench.live_through(Duration::minutes(10)).await;
    let record: Value = bench.of_import(of(&second, &channel["id"])).await;
    assert_eq!(record["problem"]["code"], "channel_has_key", "{record:#}");
}

/// What the Hub refuses twice is settled; what no one can read holds up no other channel.
#[tokio::test]
async fn one_channel_that_is_refused_or_unreadable_does_not_hold_up_the_others() {
    let (bench, table) = bench_with_table(&[]).await;
    let other = bench.signed_up("tenant-1", "one_number:1").await;
    bench.live_through(Duration::minutes(10)).await;
    let (unreadable, _) = bench.made_by_hand("one_number:1", None, false).await;
    let (fine, _) = bench.made_by_hand("one_number:2", None, false).await;
    table
        .update_item()
        .table_name(TABLE)
        .key("pk", AttributeValue::S(format!("ONB#{}", other.id)))
        .key("sk", AttributeValue::S("ONB".to_owned()))
        .update_expression("SET v = :v")
        .expression_attribute_values(":v", AttributeValue::N("9".to_owned()))
        .send()
        .await
        .unwrap();
    let import = bench.import_of(&[wanted(&unreadable["id"], "a"), wanted(&fine["id"], "b")]).await;
    assert_eq!(would(&import, &fine["id"]), "import");
    assert_eq!(would(&import, &unreadable["id"]), "number_taken");

    let refusal = json!({"meta": {"developer_message": "no such filter"}});
    bench.fault(json!({"route": "list_channels", "status": 400, "times": 2, "body": refusal})).await;
    let id = bench.import(&json!({"channels": [wanted(&json!("Xx99XxXCH"), "c")]})).await;
    bench.live_through(Duration::minutes(5)).await;
    let error = bench.imported(&id).await["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("The Hub did not show the channels: "), "{error}");
    bench.live_through(Duration::minutes(20)).await;
    let import = bench.imported(&id).await;
    assert_eq!((&import["state"], &import["channels"][0]["would"]), (&json!("done"), &json!("unknown")), "{import:#}");
}
