//! Exactly one client account for each customer: found if it is there, created once if not.

use local::Options;
use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// Starts an onboarding with this `client` and finishes the popup.
async fn signed_up_as(bench: &TestBench, client: Value) -> Started {
    let body = json!({ "reference": "tenant-1", "client": client });
    let answer = bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
    let started: Started = serde_json::from_value(answer.succeeded().unwrap()).unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.client.es_callback(&started, &popup).await.unwrap().status, 200);
    started
}

#[tokio::test]
async fn an_existing_client_account_is_found_by_its_email_in_any_case() {
    let bench = TestBench::unlimited().await;
    bench.make_client("jo@another.example").await;
    let id = bench.make_client("Tenant-1@Nordlicht.example").await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(2)).await;
    let record = bench.record(&started).await;
    assert_eq!((record["status"].as_str(), record["client"]["id"].as_str()), (Some("ready"), Some(id.as_str())));
    assert_eq!(bench.hub_routes().await[2..], ["list_clients", "numbers", "list_channels", "api_keys"]);
    assert_eq!(bench.count("clients").await, 2);
}

#[tokio::test]
async fn an_old_client_account_is_found_even_if_the_hub_ignores_the_filter() {
    // With the filter the newest page and the account's; without it the newest, and then all pages.
    for (filter, calls) in [("honored", 2), ("ignored", 4)] {
        let bench = TestBench::unlimited().await;
        let id = bench.make_client("tenant-1@nordlicht.example").await;
        bench.pass(Duration::days(1));
        for number in 0..420 {
            bench.make_client(&format!("customer-{number}@another.example")).await;
        }
        bench.change(json!({"email_filter": filter})).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::seconds(2)).await;
        assert_eq!(bench.record(&started).await["client"]["id"], id.as_str());
        assert_eq!(bench.status(&started).await, "ready");
        assert_eq!(bench.calls_of("list_clients").await.len(), calls, "{filter}");
        assert_eq!(bench.count("clients").await, 421);
    }
}

#[tokio::test]
async fn all_client_accounts_are_read_if_the_client_filter_is_off() {
    let none = vec![("HUB_CLIENT_FILTER".to_owned(), "none".to_owned())];
    let mut options = Options { variables: none, ..Options::default() };
    options.simulator.behavior.rate_limit = None;
    let bench = TestBench::with(options).await;
    let id = bench.make_client("tenant-1@nordlicht.example").await;
    bench.pass(Duration::days(1));
    for number in 0..420 {
        bench.make_client(&format!("customer-{number}@another.example")).await;
    }
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.record(&started).await["client"]["id"], id.as_str());
    assert_eq!(bench.calls_of("list_clients").await.len(), 3);
}

#[tokio::test]
async fn an_interrupted_client_search_resumes_where_it_was() {
    let bench = TestBench::unlimited().await;
    for number in 0..210 {
        bench.make_client(&format!("customer-{number}@another.example")).await;
    }
    bench.change(json!({"email_filter": "ignored"})).await;
    bench
        .fault(json!([
            {"route": "list_clients", "delay_ms": 1},
            {"route": "list_clients", "status": 500, "times": 2},
        ]))
        .await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.status(&started).await, "ready");
    let statuses: Vec<u64> =
        bench.calls_of("list_clients").await.iter().map(|call| call["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 500, 500, 200, 200]);
    assert_eq!(bench.count("clients").await, 211);
}

#[tokio::test]
async fn a_client_account_that_does_not_exist_fails_the_submission_with_the_hubs_words() {
    let bench = TestBench::new().await;
    let started = signed_up_as(&bench, json!({ "id": "Zz9yXwCL" })).await;
    bench.live_through(Duration::minutes(5)).await;
    let problem = bench.record(&started).await["problem"].clone();
    assert_eq!(problem["code"], "number_refused");
    assert!(problem["detail"].as_str().unwrap().contains("client_id: Not found."), "{problem}");
    assert_eq!(bench.setup_view(&started).await.body["problem"]["code"], "number_refused");
}

#[tokio::test]
async fn a_restricted_e_mail_domain_fails_before_the_popup_with_the_hubs_words() {
    let bench = TestBench::new().await;
    let mut body = start_body("tenant-1");
    body["client"]["email"] = json!("lena@mailinator.com");
    let answer = bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
    let started: Started = serde_json::from_value(answer.succeeded().unwrap()).unwrap();
    bench.live_through(Duration::minutes(5)).await;
    let record = bench.record(&started).await;
    assert_eq!(
        (record["status"].as_str(), record["problem"]["code"].as_str()),
        (Some("failed"), Some("client_refused"))
    );
    assert!(record["problem"]["detail"].as_str().unwrap().contains("email domain is not allowed"), "{record:#}");
    let view = bench.setup_view(&started).await.body;
    assert_eq!(view["problem"]["code"], "client_refused");
    assert_eq!(view["launch"], Value::Null, "a popup that could only fail is not offered");
    assert_eq!(bench.count("clients").await, 0);
}

#[tokio::test]
async fn a_client_creation_of_unclear_outcome_is_never_repeated_blindly() {
    for times in [1, 4] {
        let bench = TestBench::new().await;
        bench.fault(json!({"route": "create_client", "status": 500, "after_effect": true, "times": times})).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::minutes(5)).await;
        bench.assert_promise_kept(&started).await;
        assert_eq!(bench.calls_of("create_client").await.len(), 1);
        assert_eq!(bench.calls_of("list_clients").await.len(), 2);
    }
}

/// As when the Hub is slow: it has not created the account when it is searched for, and a while later it has.
#[tokio::test]
async fn a_client_creation_of_unclear_outcome_leaves_the_account_time_to_appear() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "create_client", "status": 504})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::seconds(110)).await;
    assert_eq!(bench.calls_of("create_client").await.len(), 1, "asked for again too soon");
    let id = bench.make_client("tenant-1@nordlicht.example").await;
    bench.live_through(Duration::minutes(3)).await;
    assert_eq!(bench.record(&started).await["client"]["id"], id.as_str());
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls_of("create_client").await.len(), 2, "ours, and the one by hand");
}

#[tokio::test]
async fn a_client_account_that_was_not_created_is_requested_again_after_two_searches() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "create_client", "status": 500, "times": 2})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(14)).await;
    assert_eq!(bench.calls_of("create_client").await.len(), 1, "asked for again too soon");
    bench.live_through(Duration::minutes(30)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls_of("create_client").await.len(), 3);
}

/// As when the Hub's list of all accounts shows a new one later than its filter does.
#[tokio::test]
async fn a_client_account_of_unclear_creation_that_only_the_filter_shows_is_found() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "create_client", "status": 500, "after_effect": true})).await;
    let nobody = json!({"clients": [], "count": 0, "total": 0, "limit": 200, "offset": 0});
    // The search before the creation, and the look without the filter.
    bench.fault(json!({"route": "list_clients", "body": nobody, "times": 2})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls_of("create_client").await.len(), 1);
    assert_eq!(bench.calls_of("list_clients").await.len(), 3);
}

#[tokio::test]
async fn two_looks_without_and_with_the_filter_come_before_a_second_creation() {
    for (filter, looks) in [("contact_info.email", 4), ("none", 2)] {
        let variables = vec![("HUB_CLIENT_FILTER".to_owned(), filter.to_owned())];
        let bench = TestBench::with(Options { variables, ..Options::default() }).await;
        bench.fault(json!({"route": "create_client", "status": 500})).await;
        let started = bench.signed_up("tenant-1", "one_number").await;
        bench.live_through(Duration::minutes(30)).await;
        bench.assert_promise_kept(&started).await;
        assert_eq!(listed_between_creations(&bench).await, looks, "{filter}");
    }
}

/// The first look is interrupted between its two calls. What it saw without the filter is minutes old when it ends, so
/// that it does not count as the second look.
#[tokio::test]
async fn an_interrupted_look_for_a_client_account_is_followed_by_a_second_one() {
    let bench = TestBench::new().await;
    bench.fault(json!({"route": "create_client", "status": 500})).await;
    bench
        .fault(json!([
            {"route": "list_clients", "delay_ms": 1, "times": 2},
            {"route": "list_clients", "status": 500, "times": 10},
        ]))
        .await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::hours(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(listed_between_creations(&bench).await, 4);
}

/// How many pages of client accounts the Hub gave between the first creation and the second.
async fn listed_between_creations(bench: &TestBench) -> usize {
    let calls = bench.hub_calls().await;
    let creations: Vec<usize> = (0..calls.len()).filter(|at| calls[*at]["route"] == "create_client").collect();
    let [first, second] = creations[..] else { panic!("{} creations", creations.len()) };
    calls[first..second].iter().filter(|call| call["route"] == "list_clients" && call["status"] == 200).count()
}

#[tokio::test]
async fn two_onboardings_of_one_customer_share_the_client_account() {
    let bench = TestBench::new().await;
    let first = bench.signed_up("tenant-1", "one_number:1").await;
    bench.live_through(Duration::minutes(1)).await;
    let second = bench.signed_up("tenant-1", "one_number:2").await;
    bench.live_through(Duration::minutes(1)).await;
    let (first, second) = (bench.record(&first).await, bench.record(&second).await);
    assert_eq!((first["status"].as_str(), second["status"].as_str()), (Some("ready"), Some("ready")));
    assert_eq!(first["client"]["id"], second["client"]["id"]);
    assert_ne!(first["channel_id"], second["channel_id"]);
    assert_eq!((bench.count("clients").await, bench.valid_keys().await), (1, 2));
}

#[tokio::test]
async fn a_signup_that_is_finished_while_the_client_account_fails_is_kept() {
    let bench = TestBench::new().await;
    bench.break_routes(&["create_client"], &json!({"status": 400})).await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.status(&started).await, "failed");

    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let answer = bench.client.es_callback(&started, &popup).await.unwrap();
    assert_eq!((answer.status, answer.body["status"].as_str()), (200, Some("failed")), "{}", answer.body);
    bench.mend().await;
    assert_eq!(bench.retry(&started).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
}
