//! Onboardings that ended long ago are deleted, with everything that the table holds of them.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use local::client::Started;
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::log::Log;
use crate::support::raw_table::{TABLE, bench_with_table};

const DAY: Duration = Duration::days(1);

/// A bench, and its table as it is. `days`: the setting; empty for its default.
async fn bench(days: &str) -> (TestBench, Client) {
    bench_with_table(&[("RETENTION_DAYS", days)]).await
}

impl TestBench {
    /// An onboarding whose number the Hub refuses for good.
    async fn failed(&self, reference: &str, account: &str) -> Started {
        self.break_routes(&["numbers"], &json!({"status": 422, "body": {"meta": {"developer_message": "no"}}})).await;
        let started = self.signed_up(reference, account).await;
        self.live_through(Duration::minutes(10)).await;
        assert_eq!(self.status(&started).await, "failed");
        self.mend().await;
        started
    }

    async fn ready(&self, reference: &str, account: &str) -> Started {
        let started = self.signed_up(reference, account).await;
        self.live_through(Duration::minutes(10)).await;
        self.assert_key_works(&started).await;
        started
    }

    /// 360dialog ends the channel.
    async fn ends(&self, started: &Started) {
        let channel_id = self.record(started).await["channel_id"].clone();
        let order = json!({"channel_id": channel_id, "step": "processed"});
        self.client.order("cancellation", &order).await.unwrap();
        self.live_through(Duration::minutes(1)).await;
        assert_eq!(self.status(started).await, "disconnected");
    }

    /// Lets a time pass in which nobody does anything. Returns how many onboardings a run of reconciliation then deletes.
    async fn deleted_after(&self, time: Duration) -> usize {
        self.settle().await;
        self.pass(time);
        let deleted = self.reconcile().await.deleted;
        self.live_through(Duration::minutes(1)).await;
        deleted
    }

    /// Asserts that the table holds nothing of an onboarding but its id, where it says who owned its number and its channel;
    /// and that the API answers as for an id that never was. What DynamoDB deletes by itself does not count.
    async fn assert_gone(&self, table: &Client, started: &Started, reference: &str) {
        let token_sha256 = exchange::sha256_hex(started.token());
        let email = format!("{reference}@nordlicht.example");
        let mut items = table.scan().table_name(TABLE).into_paginator().items().send();
        while let Some(item) = items.next().await.transpose().unwrap() {
            let expires_at = item.get("expires_at").map(|at| at.as_n().unwrap().parse::<i64>().unwrap());
            if expires_at.is_some_and(|at| at <= self.now().unix_timestamp()) {
                continue;
            }
            let shown = format!("{item:?}");
            for of_customer in [reference, &email, &token_sha256, &exchange::sha256_hex(&email)] {
                assert!(!shown.contains(of_customer), "{of_customer} in {shown}");
            }
            if shown.contains(&started.id) {
                let AttributeValue::S(pk) = &item["pk"] else { panic!("{shown}") };
                assert!(pk.starts_with("NUMBER#") || pk.starts_with("CHANNEL#"), "{shown}");
                let attributes: BTreeSet<&str> = item.keys().map(String::as_str).collect();
                assert_eq!(attributes, BTreeSet::from(["pk", "sk", "v", "onboarding_id"]));
            }
        }
        let path = format!("/v1/onboardings/{}", started.id);
        for token in [BACKEND_TOKEN, started.token()] {
            self.get(&path, token).await.assert_problem(404, "not_found");
        }
        self.post(&format!("{path}/retry"), BACKEND_TOKEN, &json!({})).await.assert_problem(404, "not_found");
        let popup = json!({"session": {"event": "OPENED", "data": {}}});
        self.callback(started, &popup).await.assert_problem(404, "not_found");
        let listed = self.get(&format!("/v1/onboardings?reference={reference}"), BACKEND_TOKEN).await;
        assert_eq!(listed.body["onboardings"], json!([]));
    }
}

#[tokio::test]
async fn onboardings_that_ended_are_deleted_400_days_after_their_last_change() {
    let (bench, table) = bench("").await;
    let ready = bench.ready("tenant-ready", "one_number:1").await;
    let with_key = bench.ready("tenant-key", "one_number:2").await;
    bench.ends(&with_key).await;
    let failed = bench.failed("tenant-failed", "one_number:3").await;
    bench.change(json!({"payment": "direct"})).await;
    let disconnected = bench.signed_up("tenant-disconnected", "several_numbers:4").await;
    let number = bench.setup_view(&disconnected).await.body["numbers"][0]["id"].clone();
    let path = format!("/v1/onboardings/{}/number", disconnected.id);
    let chosen = bench.post(&path, disconnected.token(), &json!({"phone_number_id": number})).await;
    assert_eq!(chosen.status, 202, "{}", chosen.text);
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.status(&disconnected).await, "permission_required");
    bench.ends(&disconnected).await;
    let expired = bench.client.start("tenant-expired").await.unwrap();
    bench.settle().await;
    bench.pass(DAY * 8);
    bench.reconcile().await;
    assert_eq!(bench.status(&expired).await, "expired");

    assert_eq!(bench.deleted_after(DAY * 391).await, 0, "nobody is 400 days old");
    assert_eq!(bench.deleted_after(DAY).await, 2);
    bench.assert_gone(&table, &failed, "tenant-failed").await;
    bench.assert_gone(&table, &disconnected, "tenant-disconnected").await;
    assert_eq!(bench.status(&expired).await, "expired");
    assert_eq!(bench.deleted_after(DAY * 8).await, 1);
    bench.assert_gone(&table, &expired, "tenant-expired").await;

    assert_eq!(bench.deleted_after(DAY * 100).await, 0);
    bench.assert_key_works(&ready).await;
    assert_eq!(bench.status(&with_key).await, "disconnected", "its key was deleted only 100 days ago");
    assert_eq!(bench.deleted_after(DAY * 300).await, 1);
    bench.assert_gone(&table, &with_key, "tenant-key").await;
}

#[tokio::test]
async fn an_onboarding_that_is_retried_after_399_days_finishes() {
    let (bench, _) = bench("").await;
    let started = bench.failed("tenant-1", "one_number").await;
    assert_eq!(bench.deleted_after(DAY * 399).await, 0);
    assert_eq!(bench.retry(&started).await.status, 202);
    assert_eq!(bench.deleted_after(DAY * 2).await, 0);
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.deleted_after(DAY * 500).await, 0);
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_setting_of_90_days_is_obeyed() {
    let (bench, table) = bench("90").await;
    let started = bench.failed("tenant-1", "one_number").await;
    assert_eq!(bench.deleted_after(DAY * 89).await, 0);
    assert_eq!(bench.status(&started).await, "failed");
    assert_eq!(bench.deleted_after(DAY).await, 1);
    bench.assert_gone(&table, &started, "tenant-1").await;
}

#[tokio::test]
async fn a_record_that_nobody_can_read_does_not_keep_others_from_being_deleted() {
    let (bench, table) = bench("").await;
    let unreadable = bench.failed("tenant-1", "one_number:1").await;
    let failed = bench.failed("tenant-2", "one_number:2").await;
    let shape = table.update_item().table_name(TABLE).update_expression("SET v = :v");
    let shape = shape.expression_attribute_values(":v", AttributeValue::N("1".to_owned()));
    let shape = shape.key("pk", AttributeValue::S(format!("ONB#{}", unreadable.id)));
    shape.key("sk", AttributeValue::S("ONB".to_owned())).send().await.unwrap();
    assert_eq!(bench.deleted_after(DAY * 400).await, 1);
    bench.assert_gone(&table, &failed, "tenant-2").await;
}

/// Its channel lives on, and belongs to nobody until the number is proven anew.
#[tokio::test]
async fn the_number_and_the_channel_of_a_deleted_onboarding_can_be_signed_up_again() {
    let (log, _guard) = Log::listen();
    let (bench, table) = bench("").await;
    let client = local::client::start_body("tenant-1")["client"].clone();
    let made = bench.post_to_hub("account_sharing/clients", &client).await;
    let order = json!({"account": "one_number", "client_id": made["id"], "key": true});
    let channel = bench.client.post("/simulator/channels", "", &order).await.unwrap().body["channel"].clone();
    bench.pass(Duration::HOUR);
    let failed = async |reference: &str| {
        let started = bench.signed_up(reference, "one_number").await;
        bench.live_through(Duration::minutes(30)).await;
        let record = bench.record(&started).await;
        assert_eq!(
            (&record["problem"]["code"], &record["channel_id"]),
            (&json!("channel_has_key"), &channel["id"]),
            "{record:#}"
        );
        started
    };
    let first = failed("tenant-1").await;
    assert_eq!(bench.deleted_after(DAY * 401).await, 1);
    bench.assert_gone(&table, &first, "tenant-1").await;

    // News of the channel is nobody's, as of any that we do not know, and the daily sweep reports that it costs money.
    let news = |id: &str, event: &str| json!({"id": id, "event": event, "data": channel}).to_string();
    for (id, event) in
        [("evt_1", "channel_live"), ("evt_2", "channel_permission_granted"), ("evt_3", "cancellation_request")]
    {
        assert_eq!(bench.hub_webhook(&news(id, event)).await.status, 200);
    }
    bench.live_through(DAY * 4).await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        assert_eq!(bench.outcome(&format!("partner_hub#{id}")).await.as_deref(), Some("unmatched"), "{id}");
    }
    assert_eq!(log.lines_with("a live channel that no onboarding knows"), 1);
    assert_eq!(log.lines_that_say("\"ERROR\""), Vec::<String>::new());

    let second = failed("tenant-1").await;
    assert_eq!(bench.retry_with(&second, &json!({"replace_key": true})).await.status, 202);
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(&second).await;
    let owner = bench.stack.twins.store.channel_owner(&channel["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(owner.map(|owner| Value::from(owner.as_str())), Some(json!(second.id)));
}
