//! The Hub's credentials are a user name and a password: a token is fetched for all, before it ends, and not by each.

use local::Options;
use partner_hub::HubCredentials;
use secrecy::SecretString;
use secrets::{Secret, WorkerSecret};
use serde_json::json;
use time::Duration;

use crate::support::TestBench;
use crate::support::fakes::HUB_ROUTES;

/// A bench whose tokens live so long, and whose workers' secret has a user name and this password.
async fn with_password(token_lifetime: Duration, password: Option<&str>) -> TestBench {
    let simulator = simulator::Settings { token_lifetime, ..Default::default() };
    let password = password.unwrap_or(&simulator.password).to_owned();
    let user_name = simulator.user_name.clone();
    let bench = TestBench::with(Options { simulator, ..Options::default() }).await;
    let secret = &bench.stack.twins.worker;
    let good = secret.value().await.unwrap();
    let hub = HubCredentials::Password { user_name, password: SecretString::from(password) };
    secret.rotate(WorkerSecret { hub, ..(*good).clone() });
    secret.refresh().await.unwrap();
    bench
}

async fn tokens(bench: &TestBench) -> usize {
    bench.calls_of("token").await.len()
}

#[tokio::test]
async fn one_token_is_fetched_for_all_onboardings_and_renewed_before_it_ends() {
    let bench = with_password(Duration::hours(2), None).await;
    let mut all = Vec::new();
    for number in 0..4 {
        all.push(bench.signed_up(&format!("tenant-{number}"), &format!("one_number:{number}")).await);
    }
    bench.live_on_schedule(Duration::minutes(30)).await;
    for started in &all {
        assert_eq!(bench.status(started).await, "ready", "{:#}", bench.record(started).await);
    }
    assert_eq!(tokens(&bench).await, 1);
    let calls = bench.hub_calls().await;
    assert_eq!(calls.len(), 4 * 5 + 1, "{calls:#?}");

    // Five minutes before its end, and nobody is kept waiting by it.
    bench.live_on_schedule(Duration::minutes(80)).await;
    assert_eq!(tokens(&bench).await, 1);
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(tokens(&bench).await, 2);
    let late = bench.signed_up("tenant-9", "one_number:9").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.status(&late).await, "ready");
    assert_eq!(tokens(&bench).await, 2);
}

#[tokio::test]
async fn a_token_that_the_hub_refuses_before_its_end_is_replaced() {
    let bench = with_password(Duration::hours(24), None).await;
    bench.fault(json!({"route": "numbers", "status": 401})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(tokens(&bench).await, 2);
}

#[tokio::test]
async fn an_older_token_that_the_hub_refuses_is_replaced_within_seconds() {
    let bench = with_password(Duration::hours(24), None).await;
    let first = bench.signed_up("tenant-1", "one_number:1").await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    bench.assert_promise_kept(&first).await;
    bench.fault(json!({"route": "list_clients", "status": 401})).await;
    let second = bench.signed_up("tenant-2", "one_number:2").await;
    bench.live_on_schedule(Duration::minutes(4)).await;
    assert_eq!(bench.status(&second).await, "ready", "{:#}", bench.record(&second).await);
    assert_eq!(tokens(&bench).await, 2);
}

#[tokio::test]
async fn a_refused_password_fails_no_onboarding() {
    let bench = with_password(Duration::hours(24), Some("not-the-password")).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::hours(2)).await;
    assert_eq!(bench.status(&started).await, "signed_up");
    let tried = tokens(&bench).await;
    assert!((20..=25).contains(&tried), "{tried} tries in two hours");
    let HubCredentials::Password { user_name, .. } = &bench.stack.twins.worker.value().await.unwrap().hub else {
        panic!("no password")
    };
    let password = SecretString::from(simulator::Settings::default().password);
    let hub = HubCredentials::Password { user_name: user_name.clone(), password };
    let good = bench.stack.twins.worker.value().await.unwrap();
    bench.stack.twins.worker.rotate(WorkerSecret { hub, ..(*good).clone() });
    bench.live_on_schedule(Duration::minutes(20)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_token_that_ends_during_an_outage_is_fetched_by_the_question_whether_the_hub_is_well() {
    let bench = with_password(Duration::minutes(30), None).await;
    let first = bench.signed_up("tenant-1", "one_number:1").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    bench.assert_promise_kept(&first).await;
    let mut routes = HUB_ROUTES.to_vec();
    routes.push("token");
    bench.break_routes(&routes, &json!({"status": 503})).await;
    let second = bench.signed_up("tenant-2", "one_number:2").await;
    bench.live_on_schedule(Duration::hours(2)).await;
    assert_eq!(bench.status(&second).await, "signed_up");
    bench.mend().await;
    bench.live_on_schedule(Duration::minutes(20)).await;
    assert_eq!(bench.status(&second).await, "ready", "{:#}", bench.record(&second).await);
}

#[tokio::test]
async fn an_api_key_in_place_of_the_password_ends_the_tokens() {
    let bench = with_password(Duration::hours(1), None).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    bench.assert_promise_kept(&started).await;
    let secret = &bench.stack.twins.worker;
    let good = secret.value().await.unwrap();
    let key = SecretString::from(simulator::Settings::default().api_key);
    secret.rotate(WorkerSecret { hub: HubCredentials::ApiKey(key), ..(*good).clone() });
    secret.refresh().await.unwrap();
    bench.live_on_schedule(Duration::hours(5)).await;
    assert_eq!(tokens(&bench).await, 1);
    assert_eq!(bench.stack.first_due(onboarding::Class::Token), None);
    assert_eq!(bench.stack.twins.store.hub_token().await.unwrap(), None);
}

#[tokio::test]
async fn a_worker_that_has_not_read_a_new_token_key_yet_fetches_no_token() {
    let bench = with_password(Duration::hours(24), None).await;
    let secret = &bench.stack.twins.worker;
    let old = secret.value().await.unwrap();
    let new = WorkerSecret { hub_token_key: "another-made-up-token-key".into(), ..(*old).clone() };
    secret.rotate(new.clone());
    secret.refresh().await.unwrap();
    let first = bench.signed_up("tenant-1", "one_number:1").await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    bench.assert_promise_kept(&first).await;
    assert_eq!(tokens(&bench).await, 1);

    secret.rotate((*old).clone());
    secret.refresh().await.unwrap();
    secret.rotate(new);
    let second = bench.signed_up("tenant-2", "one_number:2").await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    assert_eq!(bench.status(&second).await, "ready", "{:#}", bench.record(&second).await);
    assert_eq!(tokens(&bench).await, 1);
}
