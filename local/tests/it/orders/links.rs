//! The setup link: how long it works, a new one in its place, none at all, and what an old one still does.

use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::bench::time_of;

const RENEW: &str = "https://partner.example/renew?from=mail";

#[tokio::test]
async fn a_link_works_for_as_many_days_as_its_start_says() {
    let bench = TestBench::new().await;
    // JSON makes no difference between 30 and 30.0.
    let started = bench.started_with("tenant-1", &json!({"expires_in_days": 30.0})).await;
    assert_eq!(time_of(&bench.record(&started).await["expires_at"]), bench.now() + Duration::days(30));
    for days in [json!(0), json!(91), json!(-1), json!(7.5), json!("7")] {
        let reply = bench.start_with("tenant-2", &json!({"expires_in_days": days})).await;
        assert!(matches!(reply.status, 400 | 422), "{days}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_new_link_takes_the_place_of_the_present_one() {
    let bench = TestBench::new().await;
    let first = bench.client.start("tenant-1").await.unwrap();
    assert_eq!(bench.page_view(&first).await.status, 200);
    assert!(bench.record(&first).await["opened_at"].is_string());
    let second = bench.renewed(&first, &json!({"expires_in_days": 3})).await;
    assert_eq!(second.id, first.id);
    let record = bench.record(&first).await;
    assert_eq!(time_of(&record["expires_at"]), bench.now() + Duration::days(3));
    assert_eq!(record["opened_at"], Value::Null);
    let text = record.to_string();
    assert!(!text.contains("sha256") && !text.contains("former_links"), "{text}");

    bench.page_view(&first).await.assert_problem(410, "link_renewed");
    assert_eq!(bench.page_view(&second).await.status, 200);
    bench.finish(&second, "one_number").await;
    bench.page_view(&first).await.assert_problem(410, "link_renewed");
    let told = bench.told_of(&first).await;
    assert_eq!(told.iter().filter(|word| *word == "opened").count(), 2, "{told:?}");
    assert!(told.contains(&"updated expires_at opened_at".to_owned()), "{told:?}");
}

#[tokio::test]
async fn an_expired_onboarding_starts_again_with_a_new_link() {
    let bench = TestBench::new().await;
    let first = bench.client.start("tenant-1").await.unwrap();
    bench.skip(Duration::days(8)).await;
    assert_eq!(bench.status(&first).await, "expired");
    let second = bench.renewed(&first, &json!({})).await;
    assert_eq!(bench.status(&first).await, "started");
    let told = bench.told_of(&first).await;
    assert!(told.contains(&"updated status expires_at".to_owned()), "{told:?}");
    bench.finish(&second, "one_number").await;
}

#[tokio::test]
async fn a_customer_who_had_to_choose_a_number_still_has_to_with_a_new_link() {
    let bench = TestBench::new().await;
    let first = bench.signed_up("tenant-1", "several_numbers").await;
    assert_eq!(bench.status(&first).await, "number_choice");
    bench.skip(Duration::days(8)).await;
    assert_eq!(bench.status(&first).await, "expired");
    let second = bench.renewed(&first, &json!({})).await;
    let view = bench.page_view(&second).await.body;
    assert_eq!(view["status"], "number_choice");
    let choice = json!({"phone_number_id": view["numbers"][0]["id"]});
    let path = format!("/v1/onboardings/{}/number", second.id);
    assert_eq!(bench.post(&path, second.token(), &choice).await.status, 202);
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&second).await;
}

/// The customer is in the popup while the partner renews the link.
#[tokio::test]
async fn an_old_link_hands_over_the_code_of_a_popup_that_it_opened_for_a_day() {
    let bench = TestBench::new().await;
    let first = bench.at_meta("tenant-1").await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let second = bench.renewed(&first, &json!({})).await;
    let told = json!({"session": popup["session"]});
    bench.callback(&first, &told).await.assert_problem(410, "link_renewed");
    bench
        .callback(&first, &json!({"session": {"event": "OPENED", "data": {}}}))
        .await
        .assert_problem(410, "link_renewed");
    let reply = bench.callback(&first, &popup).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    bench.page_view(&first).await.assert_problem(410, "link_renewed");
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.page_view(&second).await.body["status"], "ready");
    bench.assert_promise_kept(&second).await;
}

#[tokio::test]
async fn an_old_link_that_opened_no_popup_or_is_a_day_old_hands_over_nothing() {
    let bench = TestBench::new().await;
    let unopened = bench.client.start("tenant-1").await.unwrap();
    let opened = bench.renewed(&unopened, &json!({})).await;
    bench.goes_to_meta(&opened).await;
    let third = bench.renewed(&opened, &json!({})).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&unopened, &popup).await.assert_problem(410, "link_renewed");
    bench.pass(Duration::hours(24));
    bench.callback(&opened, &popup).await.assert_problem(410, "link_renewed");
    assert_eq!(bench.calls("exchange_code").await, 0);
    bench.finish(&third, "one_number").await;
}

#[tokio::test]
async fn a_revoked_link_and_those_before_it_are_void_at_once_for_everything() {
    let bench = TestBench::new().await;
    let first = bench.started_with("tenant-1", &json!({"renew_url": RENEW})).await;
    bench.goes_to_meta(&first).await;
    let second = bench.renewed(&first, &json!({})).await;
    bench.goes_to_meta(&second).await;
    bench.revoked(&first).await;
    bench.revoked(&first).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    for link in [&first, &second] {
        bench.page_view(link).await.assert_problem(410, "link_revoked");
        assert_eq!(bench.page_view(link).await.body["renew_url"], Value::Null);
        bench.callback(link, &popup).await.assert_problem(410, "link_revoked");
    }
    assert_eq!(bench.calls("exchange_code").await, 0);
    let record = bench.record(&first).await;
    assert!(record["link_revoked_at"].is_string() && record["status"] == "started", "{record:#}");
    let told = bench.told_of(&first).await;
    assert_eq!(told.iter().filter(|word| *word == "updated link_revoked_at").count(), 1, "{told:?}");

    let third = bench.renewed(&first, &json!({})).await;
    bench.page_view(&second).await.assert_problem(410, "link_revoked");
    bench.finish(&third, "one_number").await;
    assert_eq!(bench.record(&third).await["link_revoked_at"], Value::Null);
}

#[tokio::test]
async fn an_old_link_tells_where_to_ask_for_a_new_one_and_nothing_else() {
    let bench = TestBench::new().await;
    let started = bench.started_with("tenant-1", &json!({"renew_url": RENEW})).await;
    let second = bench.renewed(&started, &json!({})).await;
    let renew = format!("{RENEW}&onboarding={}", started.id);
    let old = bench.page_view(&started).await;
    old.assert_problem(410, "link_renewed");
    bench.skip(Duration::days(8)).await;
    let expired = bench.page_view(&second).await;
    expired.assert_problem(410, "link_expired");
    for reply in [old, expired] {
        assert_eq!(reply.body["renew_url"], renew.as_str());
        assert!(!reply.text.contains("tenant-1") && !reply.text.contains("Nordlicht"), "{}", reply.text);
    }
    let stranger = bench.get(&format!("/v1/onboardings/{}", started.id), &"x".repeat(43)).await;
    stranger.assert_problem(404, "not_found");
    assert!(!stranger.text.contains("renew"), "{}", stranger.text);
}

#[tokio::test]
async fn a_link_of_an_onboarding_that_is_over_cannot_be_renewed() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.ordered(&started, "cancel").await;
    let path = format!("/v1/onboardings/{}/link", started.id);
    bench.post(&path, BACKEND_TOKEN, &json!({})).await.assert_problem(409, "ended");
    bench.post(&path, started.token(), &json!({})).await.assert_problem(401, "unauthorized");
    bench.post(&path, BACKEND_TOKEN, &json!({"expires_in_days": 91})).await.assert_fields(&["expires_in_days"]);
}

/// A link that shows the status of a number that is ready, long after its signup.
#[tokio::test]
async fn a_new_link_shows_the_status_of_a_finished_signup() {
    let bench = TestBench::new().await;
    let (started, _) = bench.ready_for("tenant-1", "one_number").await;
    bench.skip(Duration::days(40)).await;
    bench.page_view(&started).await.assert_problem(410, "link_expired");
    let second = bench.renewed(&started, &json!({"expires_in_days": 2})).await;
    assert_eq!(bench.page_view(&second).await.body["status"], "ready");
    bench.skip(Duration::days(2)).await;
    bench.page_view(&second).await.assert_problem(410, "link_expired");
}

#[tokio::test]
async fn the_page_is_noted_as_seen_every_ten_minutes_without_a_change_of_the_record() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    assert_eq!(bench.record(&started).await["last_seen_at"], Value::Null);
    bench.page_view(&started).await;
    let (first, version) = (bench.now(), bench.record(&started).await["version"].clone());
    bench.pass(Duration::minutes(9));
    bench.page_view(&started).await;
    assert_eq!(time_of(&bench.record(&started).await["last_seen_at"]), first);
    bench.pass(Duration::minutes(1));
    bench.page_view(&started).await;
    let record = bench.record(&started).await;
    assert_eq!(time_of(&record["last_seen_at"]), bench.now());
    assert_eq!(record["version"], version);
}

#[tokio::test]
async fn a_link_that_is_renewed_for_a_shorter_time_expires_in_time() {
    let bench = TestBench::new().await;
    let started = bench.started_with("tenant-1", &json!({"expires_in_days": 90})).await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    bench.renewed(&started, &json!({"expires_in_days": 1})).await;
    bench.skip(Duration::days(1)).await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    assert_eq!(bench.status(&started).await, "expired");
}

/// The same start again would hand out a link that opens nothing.
#[tokio::test]
async fn a_start_whose_link_is_void_is_not_answered_again() {
    let bench = TestBench::new().await;
    let start = async || {
        let request = bench.client.request(reqwest::Method::POST, "/v1/onboardings", BACKEND_TOKEN);
        let request = request.header("Idempotency-Key", "order-1").json(&local::client::start_body("tenant-1"));
        crate::support::replies::send(request).await
    };
    let started: local::client::Started = serde_json::from_value(start().await.body).unwrap();
    assert_eq!(start().await.status, 201);
    bench.renewed(&started, &json!({})).await;
    start().await.assert_problem(409, "idempotency_conflict");
}
