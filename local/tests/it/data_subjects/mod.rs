//! What is kept about a customer can be shown and erased.

use aws_sdk_dynamodb::Client;
use local::client::Started;
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::raw_table::{TABLE, bench_with_table};
use crate::support::replies::{Reply, send};

/// What tells who the customer is, wherever it is kept.
const PERSONAL: [&str; 11] = [
    "Nordlicht",
    "lena.voss",
    "Lena Voss",
    "901820143",
    "3023125",
    "30 23125",
    "crm.example",
    "A note of mine",
    "hook.example",
    "private words",
    "sess-77",
];

impl TestBench {
    async fn erase(&self, started: &Started) -> Reply {
        let path = format!("/v1/onboardings/{}", started.id);
        send(self.client.request(Method::DELETE, &path, BACKEND_TOKEN)).await
    }

    async fn export(&self, started: &Started) -> Reply {
        self.get(&format!("/v1/onboardings/{}/export", started.id), BACKEND_TOKEN).await
    }

    /// A customer of whom as much is known as can be.
    async fn well_known(&self) -> Started {
        self.well_known_with(&json!({})).await
    }

    /// [`Self::well_known`], with these members more.
    async fn well_known_with(&self, members: &Value) -> Started {
        let mut body = json!({
            "reference": "tenant-1",
            "client": {"name": "Nordlicht Fahrrad GmbH", "email": "lena.voss@nordlicht.example", "user_name": "Lena Voss"},
            "prefill": {"business": {"name": "Nordlicht Fahrrad GmbH"}},
            "metadata": {"note": "A note of mine"},
            "message_webhook": {"url": "https://hook.example/lena", "headers": {"x-key": "hush-header"}},
            "return_url": "https://crm.example/lena",
        });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let reply = self.post("/v1/onboardings", BACKEND_TOKEN, &body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let started: Started = serde_json::from_value(reply.body).unwrap();
        assert_eq!(self.setup_view(&started).await.status, 200);
        let left = json!({"session": {"event": "CANCEL", "data": {"session_id": "sess-77", "error_message": "private words"}}});
        assert!(self.callback(&started, &left).await.status < 300);
        started
    }
}

async fn bench() -> (TestBench, Client) {
    bench_with_table(&[("RETURN_URL_ORIGINS", "https://crm.example"), ("KEY_DELETION_DAYS", "1")]).await
}

/// Every item of the table, as text.
async fn all(table: &Client) -> String {
    let items = table.scan().table_name(TABLE).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    format!("{:?}", items.unwrap())
}

fn found(text: &str) -> Vec<&'static str> {
    PERSONAL.into_iter().filter(|word| text.contains(word)).collect()
}

#[tokio::test]
async fn an_erased_onboarding_leaves_ids_and_nothing_of_the_customer() {
    let (bench, table) = bench().await;
    let started = bench.well_known().await;
    bench.finish(&started, "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(&started).await;
    let record = bench.record(&started).await;
    assert!(found(&all(&table).await).len() > 5, "it is there before");

    bench.erase(&started).await.assert_problem(409, "not_at_rest");
    let ended = json!({"channel_id": record["channel_id"], "step": "processed", "hub_status": "terminated"});
    bench.client.order("cancellation", &ended).await.unwrap();
    bench.live_through(Duration::minutes(1)).await;
    let reply = bench.erase(&started).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.body["erased_at"].is_string());

    let table = all(&table).await;
    assert_eq!(found(&table), Vec::<&str>::new());
    assert_eq!(found(&bench.export(&started).await.text), Vec::<&str>::new());
    let erased = bench.record(&started).await;
    for member in ["id", "reference", "channel_id", "created_at", "key"] {
        assert_eq!(erased[member], record[member], "{member}");
    }
    assert_eq!(erased["status"], "disconnected");
    assert_eq!(erased["client"]["id"], record["client"]["id"]);
    assert_eq!(erased["signup"]["number"], json!({"id": record["signup"]["number"]["id"]}));
    let history = erased["history"].as_array().unwrap();
    assert_eq!(history.len(), record["history"].as_array().unwrap().len() + 2, "the end, and the erasure");
    assert!(history.iter().all(|entry| entry["erased"] == true), "{history:#?}");
    let events = crate::events::feed(&bench).await;
    for event in events.iter().filter(|event| event["data"]["onboarding"]["id"] == started.id.as_str()) {
        let onboarding = &event["data"]["onboarding"];
        assert_eq!((&onboarding["metadata"], &onboarding["erased"]), (&json!({}), &json!(true)), "{event:#}");
    }

    // Repeated, it is the same; and nothing leads on.
    let again = bench.erase(&started).await;
    assert_eq!((again.status, &again.body["version"]), (200, &reply.body["version"]));
    let view = bench.setup_view(&started).await;
    assert_eq!((view.status, view.body["code"].as_str().unwrap()), (410, "link_revoked"));
    for order in ["retry", "link", "cancel", "reconnect", "rotate-key"] {
        let path = format!("/v1/onboardings/{}/{order}", started.id);
        let reply = bench.post(&path, BACKEND_TOKEN, &json!({})).await;
        assert_eq!((reply.status, reply.body["code"].as_str().unwrap()), (409, "erased"), "{order}: {}", reply.text);
    }
    // Its key goes when its time has come, and the number may be proven anew.
    bench.live_on_schedule(Duration::hours(25)).await;
    assert!(bench.record(&started).await["key"].is_null());
    let next = bench.signed_up("tenant-2", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(&next).await;
}

#[tokio::test]
async fn only_an_onboarding_at_rest_is_erased() {
    let (bench, _) = bench().await;
    let started = bench.well_known().await;
    bench.erase(&started).await.assert_problem(409, "not_at_rest");
    bench.finish(&started, "one_number").await;
    bench.live_through(Duration::seconds(40)).await;
    bench.erase(&started).await.assert_problem(409, "not_at_rest");
    let unknown = "/v1/onboardings/onb_01890000000070008000000000000000";
    let reply = send(bench.client.request(Method::DELETE, unknown, BACKEND_TOKEN)).await;
    reply.assert_problem(404, "not_found");
    let path = format!("/v1/onboardings/{}", started.id);
    send(bench.client.request(Method::DELETE, &path, started.token())).await.assert_problem(401, "unauthorized");
}

#[tokio::test]
async fn what_was_called_off_or_ran_out_or_failed_is_erased_too() {
    let (bench, table) = bench().await;
    let expected = json!({"expected_phone_number": "+49 30 901820143", "expected_business_id": "901820143"});
    let cancelled = bench.well_known_with(&expected).await;
    assert_eq!(
        bench.post(&format!("/v1/onboardings/{}/cancel", cancelled.id), BACKEND_TOKEN, &json!({})).await.status,
        202
    );
    let expired = bench.well_known().await;
    bench.live_on_schedule(Duration::days(15)).await;
    assert_eq!(bench.status(&expired).await, "expired");
    let failed = bench.well_known().await;
    bench
        .break_routes(
            &["numbers"],
            &json!({"status": 422, "body": {"meta": {"developer_message": "Lena Voss has it"}}}),
        )
        .await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&failed, &popup).await.status, 200);
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.status(&failed).await, "failed");
    for started in [&cancelled, &expired, &failed] {
        assert_eq!(bench.erase(started).await.status, 200);
    }
    assert_eq!(found(&all(&table).await), Vec::<&str>::new());
}

#[tokio::test]
async fn an_export_holds_all_that_is_kept_and_no_secret() {
    let (bench, _) = bench().await;
    let started = bench.well_known().await;
    bench.finish(&started, "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    let reply = bench.export(&started).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let export: &Value = &reply.body;
    let record = bench.record(&started).await;
    assert_eq!(export["onboarding"], record);
    assert_eq!(export["channels"][0]["channel_id"], record["channel_id"]);
    assert!(export["popup"]["exchanges"].is_number());
    let events = export["events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["type"] == "onboarding.ready" && event["delivery"].is_object()));
    for word in ["Nordlicht", "lena.voss", "Lena Voss", "23125", "A note of mine", "hook.example", "sess-77"] {
        assert!(reply.text.contains(word), "{word}");
    }
    for secret in [started.token(), "hush-header", "sealed", "sha256"] {
        assert!(!reply.text.contains(secret), "{secret}");
    }
    bench
        .get(&format!("/v1/onboardings/{}/export", started.id), started.token())
        .await
        .assert_problem(401, "unauthorized");
}

/// What is left of a webhook once it is settled names nobody.
#[tokio::test]
async fn the_text_of_a_webhook_is_kept_until_it_is_settled() {
    let (bench, table) = bench().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    let unmatched = json!({"id": "evt_9", "event": "channel_live", "data": {
        "id": "Zz99ZzZCH", "setup_info": {"phone_name": "private words"},
    }});
    assert_eq!(bench.hub_webhook(&unmatched.to_string()).await.status, 200);
    assert!(all(&table).await.contains("private words"));
    bench.live_through(Duration::minutes(10)).await;
    bench.assert_key_works(&started).await;
    bench.live_on_schedule(Duration::hours(80)).await;
    let table = all(&table).await;
    assert!(!table.contains("private words") && !table.contains("phone_name"), "{table}");
}

/// The note of what is left is worked off also where the record names no address, and where the key is the only thing left.
#[tokio::test]
async fn the_key_of_an_erased_onboarding_is_deleted_whoever_named_the_client_account() {
    let (bench, _) = bench().await;
    let (channel, _) = bench.made_by_hand("one_number", None, true).await;
    bench.pass(Duration::hours(1));
    let wanted = json!({"channels": [{"channel_id": channel["id"], "reference": "tenant-1", "replace_key": true}]});
    assert_eq!(bench.post("/v1/imports", BACKEND_TOKEN, &wanted).await.status, 202);
    let refusal = json!({"status": 400, "body": {"error": {"message": "no such webhook", "code": 100}}});
    bench.break_routes(&["set_message_webhook"], &refusal).await;
    bench.live_through(Duration::minutes(40)).await;
    let list = bench.get("/v1/onboardings?status=failed", BACKEND_TOKEN).await;
    let failed = &list.body["onboardings"][0];
    assert_eq!(failed["problem"]["code"], "message_webhook_refused", "{}", list.text);
    let started = Started { id: failed["id"].as_str().unwrap().to_owned(), setup_url: String::new() };
    assert_eq!(bench.erase(&started).await.status, 200);
    assert_eq!(bench.stack.twins.vault.keys().len(), 1);
    bench.live_on_schedule(Duration::hours(25)).await;
    assert!(bench.record(&started).await["key_deleted_at"].is_string());
    assert_eq!(bench.stack.twins.vault.keys().len(), 0);
}

/// Reports of Meta's about an erased customer are no fault, and hold up no others.
#[tokio::test]
async fn a_report_of_meta_about_an_erased_customer_is_settled() {
    let (bench, _) = bench().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    let record = bench.record(&started).await;
    let ended = json!({"channel_id": record["channel_id"], "step": "processed", "hub_status": "terminated"});
    bench.client.order("cancellation", &ended).await.unwrap();
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.erase(&started).await.status, 200);
    bench.meta_reports("one_number", "PARTNER_REMOVED").await;
    bench.meta_reports("one_number:2", "PARTNER_ADDED").await;
    bench.pass(Duration::minutes(11));
    assert_eq!(bench.reconcile().await.reports, 2);
    assert_eq!(bench.unclaimed().await.len(), 1);
    // What its customer signs up for anew is nobody's, too.
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.pass(Duration::minutes(11));
    bench.reconcile().await;
    assert_eq!(bench.unclaimed().await.len(), 2);
}

/// The digest of an address is kept while an onboarding has the account, and not for one that was erased.
#[tokio::test]
async fn the_last_erasure_of_a_client_account_takes_the_digest_of_its_address() {
    let (bench, table) = bench().await;
    let cancelled = async || {
        let started = bench.well_known().await;
        bench.live_through(Duration::minutes(5)).await;
        let path = format!("/v1/onboardings/{}/cancel", started.id);
        assert_eq!(bench.post(&path, BACKEND_TOKEN, &json!({})).await.status, 202);
        started
    };
    let (first, second) = (cancelled().await, cancelled().await);
    assert!(all(&table).await.contains("EMAIL#"));
    assert_eq!(bench.erase(&first).await.status, 200);
    assert!(all(&table).await.contains("EMAIL#"));
    assert_eq!(bench.erase(&second).await.status, 200);
    assert!(!all(&table).await.contains("EMAIL#"));
}

/// 360dialog may show the channel of a number that it has just taken in a while: until then it is looked for, and ended.
#[tokio::test]
async fn a_cancelled_onboarding_whose_channel_may_still_come_is_erased_after_three_days() {
    let (bench, _) = bench().await;
    bench.change(json!({"live_after_ms": 40 * 86_400_000_i64})).await;
    let (started, _) = bench.submitted().await;
    let nothing = json!({"status": 200, "body": {"partner_channels": [], "total": 0, "limit": 200, "offset": 0}});
    bench.break_routes(&["list_channels"], &nothing).await;
    let path = format!("/v1/onboardings/{}/cancel", started.id);
    assert_eq!(bench.post(&path, BACKEND_TOKEN, &json!({})).await.status, 202);
    bench.live_through(Duration::hours(71)).await;
    bench.erase(&started).await.assert_problem(409, "not_at_rest");
    bench.live_through(Duration::hours(2)).await;
    assert_eq!(bench.erase(&started).await.status, 200);
}
