//! A new key in place of one that is in use: made once, stored, with the message webhook set again, and proven.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::bench::overdue_in;

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_old_one() {
    let bench = TestBench::new().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    let [(_, old)] = bench.stack.twins.vault.keys().try_into().unwrap();
    let asked = bench.ordered(&started, "rotate-key").await;
    assert_eq!((&asked["status"], &asked["key_rotation"]["key_stored"]), (&json!("ready"), &json!(false)));
    assert_eq!(asked["key_rotation"]["by"]["source_ip"], "127.0.0.1");
    assert_eq!(bench.ordered(&started, "rotate-key").await["version"], asked["version"]);
    assert!(bench.client.key_works(&old).await.unwrap(), "the old one works until the new one is there");
    bench.live_through(Duration::minutes(1)).await;

    let record = bench.record(&started).await;
    assert_eq!((&record["status"], &record["key_rotation"]), (&json!("ready"), &Value::Null), "{record:#}");
    assert!(!bench.client.key_works(&old).await.unwrap());
    bench.assert_key_works(&started).await;
    assert_eq!(bench.count("keys").await, 2);
    let set = &bench.client.ledger().await.unwrap()["message_webhooks"][channel.as_str()];
    assert_eq!(set["url"], "https://partner.example/whatsapp/messages");
    assert_eq!(bench.calls("set_message_webhook").await, 2, "set again with the new key");
    let told: BTreeSet<String> = bench.told_of(&started).await.into_iter().collect();
    for word in ["updated key_rotation", "updated key", "key_rotated"] {
        assert!(told.contains(word), "{word}: {told:?}");
    }
    bench.assert_nothing_left();
}

/// As after a crash between the vault and the table.
#[tokio::test]
async fn a_key_of_the_rotation_that_is_in_the_vault_already_is_taken_from_there() {
    let bench = TestBench::new().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.pass(Duration::minutes(1));
    bench.ordered(&started, "rotate-key").await;
    bench.break_routes(&["set_message_webhook", "health_status"], &json!({"status": 500})).await;
    bench.live_through(Duration::minutes(1)).await;
    let record = bench.record(&started).await;
    assert_eq!((&record["status"], &record["key_rotation"]["key_stored"]), (&json!("ready"), &json!(true)));
    assert!(record["retry"]["error"].is_string(), "{record:#}");
    bench.mend().await;
    bench.live_through(Duration::hours(1)).await;
    assert_eq!(bench.count("keys").await, 2, "no third key");
    bench.assert_key_works(&started).await;
}

#[tokio::test]
async fn an_unclear_answer_makes_another_key() {
    let bench = TestBench::new().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.fault(json!({"route": "api_keys", "status": 502, "after_effect": true})).await;
    bench.ordered(&started, "rotate-key").await;
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.count("keys").await, 3);
    assert_eq!(bench.record(&started).await["key_rotation"], Value::Null);
    bench.assert_key_works(&started).await;
}

/// What 360dialog refuses costs nothing: the old key works on.
#[tokio::test]
async fn a_refused_key_leaves_the_old_one_and_is_overdue_after_an_hour() {
    let bench = TestBench::new().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    let body = json!({"meta": {"success": false, "http_code": 422, "developer_message": "Not like this"}});
    bench.break_routes(&["api_keys"], &json!({"status": 422, "body": body})).await;
    bench.ordered(&started, "rotate-key").await;
    bench.live_on_schedule(Duration::minutes(50)).await;
    let record = bench.record(&started).await;
    assert_eq!((&record["status"], &record["overdue_since"]), (&json!("ready"), &Value::Null), "{record:#}");
    assert!(record["retry"]["error"].as_str().is_some_and(|error| error.contains("Not like this")), "{record:#}");
    bench.live_on_schedule(Duration::minutes(20)).await;
    let record = bench.record(&started).await;
    assert!(record["overdue_since"].is_string(), "{record:#}");
    bench.assert_key_works(&started).await;

    bench.mend().await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    let record = bench.record(&started).await;
    assert_eq!((&record["key_rotation"], &record["overdue_since"]), (&Value::Null, &Value::Null), "{record:#}");
    assert_eq!(overdue_in(&record), ["ready"]);
    bench.assert_key_works(&started).await;
    bench.live_on_schedule(Duration::hours(2)).await;
    assert_eq!(overdue_in(&bench.record(&started).await).len(), 1);
}

#[tokio::test]
async fn a_client_who_took_the_permission_back_keeps_its_old_key() {
    let bench = TestBench::new().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.change(json!({"payment": "direct"})).await;
    bench.ordered(&started, "rotate-key").await;
    bench.live_through(Duration::minutes(30)).await;
    assert_eq!(bench.status(&started).await, "ready");
    bench.assert_key_works(&started).await;
    assert_eq!(bench.count("keys").await, 1);
    // It is asked again in hours, and at once when the client grants it.
    bench.client.order("permission", &json!({"channel_id": channel, "granted": true})).await.unwrap();
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.record(&started).await["key_rotation"], Value::Null);
    bench.assert_key_works(&started).await;
    assert_eq!(bench.count("keys").await, 2);
}

/// Somebody made another key elsewhere: theirs is not revoked without the partner's word.
#[tokio::test]
async fn a_new_key_that_does_not_work_fails_and_a_retry_makes_another() {
    let bench = TestBench::new().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.ordered(&started, "rotate-key").await;
    bench.break_routes(&["set_message_webhook"], &json!({"status": 500})).await;
    bench.live_through(Duration::minutes(1)).await;
    bench.pass(Duration::seconds(31));
    bench.post_to_hub(&format!("channels/{channel}/api_keys"), &json!({})).await;
    bench.mend().await;
    bench.live_through(Duration::HOUR).await;
    let record = bench.record(&started).await;
    assert_eq!(
        (&record["status"], &record["problem"]["code"]),
        (&json!("failed"), &json!("key_refused")),
        "{record:#}"
    );
    assert_eq!(record["key_rotation"], Value::Null);
    assert_eq!((bench.count("keys").await, bench.valid_keys().await), (3, 1));
    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_key_works(&started).await;
}

#[tokio::test]
async fn a_channel_that_ends_ends_its_rotation() {
    let bench = TestBench::new().await;
    let (started, channel) = bench.ready_for("tenant-1", "one_number").await;
    bench.break_routes(&["api_keys"], &json!({"status": 500})).await;
    bench.ordered(&started, "rotate-key").await;
    bench.live_through(Duration::minutes(1)).await;
    bench.client.order("cancellation", &json!({"channel_id": channel, "step": "processed"})).await.unwrap();
    bench.live_on_schedule(Duration::hours(2)).await;
    let record = bench.record(&started).await;
    assert_eq!((&record["status"], &record["key_rotation"]), (&json!("disconnected"), &Value::Null), "{record:#}");
    assert_eq!(overdue_in(&record), [""; 0]);
}
