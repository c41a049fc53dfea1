//! What the browser claims and Meta does not confirm: somebody else's WABA, somebody else's number.

use local::client::Started;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// Posts what this account's popup returns, and asserts that it is refused and kept as an attempt, and that nothing is claimed.
async fn assert_refused(bench: &TestBench, started: &Started, account: &str, code: &str) {
    let popup = bench.client.popup(account, "finish").await.unwrap();
    let reply = bench.callback(started, &popup).await;
    reply.assert_problem(if code == "number_taken" { 409 } else { 422 }, code);
    assert_kept(bench, started, code).await;
    // Neither the answer nor the record repeats the code.
    let code = popup["code"].as_str().unwrap();
    assert!(!reply.text.contains(code) && !bench.record(started).await.to_string().contains(code));
}

async fn assert_kept(bench: &TestBench, started: &Started, code: &str) {
    let record = bench.record(started).await;
    let attempts = record["attempts"].as_array().unwrap();
    assert_eq!(record["status"], "started");
    assert_eq!(attempts.last().unwrap()["error_code"], code);
    assert!(record.get("signup").is_none() && record.get("numbers").is_none(), "{record:#}");
}

#[tokio::test]
async fn a_waba_that_the_token_does_not_cover_is_refused() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    assert_refused(&bench, &started, "other_customer", "waba_not_granted").await;
    // The victim signs up afterwards, with its own onboarding.
    let victim = bench.signed_up("tenant-2", "one_number").await;
    bench.live_through(Duration::seconds(40)).await;
    bench.assert_key_works(&victim).await;
    let popup = bench.client.popup("one_number:own", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.live_through(Duration::seconds(40)).await;
    bench.assert_key_works(&started).await;
    bench.assert_nothing_left();
}

#[tokio::test]
async fn a_number_of_another_waba_is_refused() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    assert_refused(&bench, &started, "other_number", "number_not_in_waba").await;
    bench.finish(&started, "one_number:own").await;
}

#[tokio::test]
async fn a_number_of_another_onboarding_is_refused_as_taken() {
    let bench = TestBench::new().await;
    let owner = bench.signed_up("tenant-1", "one_number").await;
    let other = bench.client.start("tenant-2").await.unwrap();
    assert_refused(&bench, &other, "one_number", "number_taken").await;
    bench.live_through(Duration::seconds(40)).await;
    assert_refused(&bench, &other, "one_number", "number_taken").await;
    bench.assert_key_works(&owner).await;
    assert_eq!(bench.count("channels").await, 1);

    let popup = bench.client.popup("one_number:own", "finish").await.unwrap();
    assert_eq!(bench.callback(&other, &popup).await.status, 200);
    bench.live_through(Duration::seconds(40)).await;
    bench.assert_key_works(&other).await;
    bench.assert_key_works(&owner).await;
    bench.assert_nothing_left();
}

#[tokio::test]
async fn two_onboardings_that_claim_one_number_at_once_do_not_both_get_it() {
    let bench = TestBench::new().await;
    let mut posts = Vec::new();
    for number in 0..4 {
        let started = bench.client.start(&format!("tenant-{number}")).await.unwrap();
        let popup = bench.client.popup("one_number", "finish").await.unwrap();
        let client = bench.client.clone();
        posts.push(tokio::spawn(async move { (client.es_callback(&started, &popup).await.unwrap(), started) }));
    }
    let mut owners = Vec::new();
    for post in posts {
        let (answer, started) = post.await.unwrap();
        if answer.status == 200 {
            owners.push(started);
        } else {
            assert_eq!((answer.status, &answer.body["code"]), (409, &json!("number_taken")), "{}", answer.body);
            assert_kept(&bench, &started, "number_taken").await;
        }
    }
    assert_eq!(owners.len(), 1);
    bench.live_through(Duration::minutes(3)).await;
    bench.assert_key_works(&owners[0]).await;
    assert_eq!(bench.count("channels").await, 1);
}

#[tokio::test]
async fn tokens_with_other_scopes_than_documented_prove_a_signup_too() {
    // Scopes of June 2026 name the WABA elsewhere; scopes that name nothing make us read the WABA.
    for account in ["changed_scopes", "unnarrowed_scopes"] {
        let bench = TestBench::new().await;
        let started = bench.client.start("tenant-1").await.unwrap();
        bench.finish(&started, account).await;
    }
}

#[tokio::test]
async fn a_waba_that_the_browser_does_not_name_is_taken_from_the_token_or_refused() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("unnarrowed_scopes", "finish_without_session").await.unwrap();
    bench.callback(&started, &popup).await.assert_problem(422, "waba_unknown");
    assert_kept(&bench, &started, "waba_unknown").await;

    let popup = bench.client.popup("one_number", "finish_without_session").await.unwrap();
    assert_eq!(popup.get("session"), None);
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn the_portfolio_is_metas_word_and_not_the_browsers() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let mut popup = bench.client.popup("one_number", "finish").await.unwrap();
    let real = popup["session"]["data"]["business_id"].clone();
    popup["session"]["data"]["business_id"] = json!("68000000000000");
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    assert_eq!(bench.record(&started).await["signup"]["business_id"], real);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn malformed_ids_are_refused_by_name_and_leave_the_code_unused() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let before = bench.everything().await;
    for (name, wrong) in [
        ("waba_id", json!(409_812_357_760_143_i64)),
        ("waba_id", json!("409#812357760143")),
        ("waba_id", json!("1234")),
        ("waba_id", json!("123456789012345678901")),
        ("phone_number_id", json!("../me")),
        ("phone_number_id", json!(["51234567890"])),
        ("business_id", json!("68 12345")),
        ("business_id", json!({})),
    ] {
        let mut body = popup.clone();
        body["session"]["data"][name] = wrong;
        bench.callback(&started, &body).await.assert_fields(&[&format!("session.data.{name}")]);
    }
    assert_eq!(bench.everything().await, before);

    // The very same code still works.
    let mut body = popup.clone();
    body["session"]["data"]["business_id"] = Value::Null;
    assert_eq!(bench.callback(&started, &body).await.status, 200);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}
