//! What the partner says of one onboarding when it starts it.

use local::Options;
use local::settings::BACKEND_TOKEN;
use secrets::Secret;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// Nobody's.
const NUMBER: &str = "+49 (30) 901-820143";

/// The number of a customer at Meta, as Meta shows it.
async fn number_of(account: &str) -> String {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", account).await;
    bench.record(&started).await["signup"]["number"]["display_phone_number"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_kind_of_number_decides_what_metas_window_is_opened_with() {
    let extras = r#"{"featureType": "of the setting", "version": "v4"}"#;
    for (connection, feature, has_solution) in [
        (json!({}), Some("of the setting"), true),
        (json!({"connection": "customer_chooses"}), Some("of the setting"), true),
        (json!({"connection": "new_number"}), None, true),
        (json!({"connection": "business_app"}), Some("whatsapp_business_app_onboarding"), false),
    ] {
        let variables = [("META_EXTRAS", extras), ("COEXISTENCE_SOLUTION_ID", "false")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let bench = TestBench::with(Options { variables, ..Options::default() }).await;
        let started = bench.started_with("tenant-1", &connection).await;
        let extras = &bench.page_view(&started).await.body["launch"]["extras"];
        assert_eq!(extras["featureType"].as_str(), feature, "{connection}");
        assert_eq!(extras["setup"]["solutionID"].is_string(), has_solution, "{connection}");
        assert_eq!(extras["version"], "v4");
    }
}

#[tokio::test]
async fn the_setting_decides_where_the_start_says_nothing() {
    let variables = vec![("CONNECTION".to_owned(), "business_app".to_owned())];
    let bench = TestBench::with(Options { variables, ..Options::default() }).await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let extras = bench.page_view(&started).await.body["launch"]["extras"].clone();
    assert_eq!(extras["featureType"], "whatsapp_business_app_onboarding");
    assert!(extras["setup"]["solutionID"].is_string(), "by default the solution goes along");
    assert_eq!(bench.record(&started).await["connection"], Value::Null);
}

#[tokio::test]
async fn the_expected_number_is_taken() {
    let number = number_of("one_number").await;
    let bench = TestBench::new().await;
    let expected = json!({"expected_phone_number": number.replace(' ', "-").replace('+', "")});
    let started = bench.started_with("tenant-1", &expected).await;
    assert_eq!(bench.record(&started).await["expected_phone_number"], number.replace(' ', ""));
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn another_number_than_the_expected_one_is_refused_before_the_handover() {
    let bench = TestBench::new().await;
    let started = bench.started_with("tenant-1", &json!({"expected_phone_number": NUMBER})).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&started, &popup).await.assert_problem(422, "number_not_expected");
    let record = bench.record(&started).await;
    assert_eq!(
        (&record["status"], &record["attempts"][0]["error_code"]),
        (&json!("started"), &json!("number_not_expected"))
    );
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.calls("numbers").await, 0);
    // The number is still anybody's who proves it.
    let (other, _) = bench.ready_for("tenant-2", "one_number").await;
    bench.assert_key_works(&other).await;
}

#[tokio::test]
async fn of_several_numbers_the_expected_one_needs_no_choice() {
    let bench = TestBench::new().await;
    let probe = bench.signed_up("tenant-1", "several_numbers").await;
    let numbers = bench.record(&probe).await["numbers"].clone();
    let expected = numbers[1]["display_phone_number"].clone();
    let started = bench.started_with("tenant-2", &json!({"expected_phone_number": expected})).await;
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    let reply = bench.callback(&started, &popup).await;
    assert_eq!(
        (&reply.body["status"], &reply.body["number"]["id"]),
        (&json!("signed_up"), &numbers[1]["id"]),
        "{}",
        reply.text
    );
    let stranger = bench.started_with("tenant-3", &json!({"expected_phone_number": NUMBER})).await;
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    bench.callback(&stranger, &popup).await.assert_problem(422, "number_not_expected");
}

#[tokio::test]
async fn another_portfolio_than_the_expected_one_is_refused() {
    let bench = TestBench::new().await;
    let probe = bench.signed_up("tenant-1", "one_number").await;
    let business = bench.record(&probe).await["signup"]["business_id"].clone();
    bench.live_through(Duration::minutes(5)).await;
    let wrong = bench.started_with("tenant-2", &json!({"expected_business_id": "200000000000001"})).await;
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    bench.callback(&wrong, &popup).await.assert_problem(422, "business_not_expected");
    assert_eq!(bench.status(&wrong).await, "started");

    // While Meta does not tell the portfolio, nobody knows.
    let right = bench.started_with("tenant-3", &json!({"expected_business_id": business})).await;
    bench.break_routes(&["me"], &json!({"status": 500})).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&right, &popup).await.body["status"], "confirming");
}

#[tokio::test]
async fn metadata_is_given_back_to_the_partner_and_never_to_the_page() {
    let bench = TestBench::new().await;
    let metadata = json!({"crm.id": "4711", "plan": "größer"});
    let started = bench.started_with("tenant-1", &json!({"metadata": metadata})).await;
    assert_eq!(bench.record(&started).await["metadata"], metadata);
    assert!(!bench.page_view(&started).await.text.contains("4711"));
    bench.pass(Duration::seconds(11));
    let feed = crate::events::feed(&bench).await;
    assert!(feed.iter().all(|event| event["data"]["onboarding"]["metadata"] == metadata), "{feed:#?}");
}

#[tokio::test]
async fn messages_go_to_where_the_onboarding_says_with_its_headers() {
    let bench = TestBench::new().await;
    let own = json!({"url": "https://crm.example/in?tenant=1", "headers": {"X-Crm": "made-up-crm-header"}});
    let started = bench.started_with("tenant-1", &json!({"message_webhook": own})).await;
    let shown = json!({"url": own["url"], "headers": ["x-crm"]});
    let record = bench.record(&started).await;
    assert_eq!(record["message_webhook"], shown);
    assert!(!record.to_string().contains("made-up-crm-header") && !record.to_string().contains("sealed"));
    bench.finish(&started, "one_number").await;
    let channel = bench.record(&started).await["channel_id"].clone();
    let set = bench.client.ledger().await.unwrap()["message_webhooks"][channel.as_str().unwrap()].clone();
    assert_eq!(set, json!({"url": own["url"], "headers": {"x-crm": "made-up-crm-header"}}));
    let table = format!("{:?}", bench.stack.twins.store.get(&started.id.parse().unwrap()).await.unwrap());
    assert!(!table.contains("made-up-crm-header"), "the headers lie sealed in the table");
    assert!(!bench.get("/v1/onboardings", BACKEND_TOKEN).await.text.contains("sealed"));
}

#[tokio::test]
async fn a_customer_who_is_done_is_led_on_with_what_the_partner_needs() {
    let bench = TestBench::new().await;
    let urls =
        json!({"return_url": "https://partner.example/back", "success_url": "https://partner.example/done?a=b#top"});
    let started = bench.started_with("tenant-1&2", &urls).await;
    let view = bench.page_view(&started).await.body;
    assert_eq!((&view["return_url"], &view["success_url"]), (&urls["return_url"], &Value::Null));
    bench.finish(&started, "one_number").await;
    let view = bench.page_view(&started).await.body;
    let expected =
        format!("https://partner.example/done?a=b&onboarding={}&reference=tenant-1%262&status=ready#top", started.id);
    assert_eq!(view["success_url"], expected.as_str());
}

#[tokio::test]
async fn every_wrong_member_is_named() {
    let bench = TestBench::new().await;
    let members = json!({
        "connection": "whatever",
        "expected_phone_number": "0301234567",
        "expected_business_id": "x",
        "metadata": {"a": 1, "b c": "d"},
        "expires_in_days": 0,
        "message_webhook": {"url": "https://crm.example:8443/", "headers": {"x": 7}},
        "return_url": "https://stranger.example/",
        "success_url": "javascript:alert(1)",
        "renew_url": "http://partner.example/",
    });
    bench.start_with("tenant-1", &members).await.assert_fields(&[
        "connection",
        "expected_phone_number",
        "expected_business_id",
        "metadata.a",
        "metadata",
        "expires_in_days",
        "message_webhook.headers.x",
        "message_webhook.url",
        "return_url",
        "success_url",
        "renew_url",
    ]);
    let large = json!({"metadata": {"a": "x".repeat(2048)}});
    bench.start_with("tenant-1", &large).await.assert_fields(&["metadata"]);
}

/// The partner's word for a signup does not tell the digits of a number.
#[tokio::test]
async fn a_claim_is_checked_against_what_is_expected() {
    let bench = TestBench::new().await;
    bench.change_secret(|secret| secret.meta_system_user_token = None).await;
    bench.stack.twins.bundle.refresh().await.unwrap();
    let started = bench.started_with("tenant-1", &json!({"expected_phone_number": NUMBER})).await;
    let claim = bench.reported_signup("one_number").await;
    let path = format!("/v1/onboardings/{}/claim", started.id);
    bench.post(&path, BACKEND_TOKEN, &claim).await.assert_problem(422, "number_not_expected");
    assert_eq!(bench.status(&started).await, "started");
}
