//! The customer finishes at Meta and the page never hands the code over. Meta's report binds nothing: the signup waits until
//! the customer's next code proves whose it is, or the partner says so.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// The WABA of an account of the simulator.
async fn waba(bench: &TestBench, account: &str) -> String {
    let popup = bench.client.popup(account, "finish").await.unwrap();
    popup["session"]["data"]["waba_id"].as_str().unwrap().to_owned()
}

async fn is_untouched(bench: &TestBench, started: &Started) -> bool {
    let record = bench.record(started).await;
    record["status"] == "started" && record.get("signup").is_none() && record.get("attempts").is_none()
}

#[tokio::test]
async fn a_customer_who_closed_the_tab_is_done_with_one_more_click() {
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED"] {
        let bench = TestBench::new().await;
        let started = bench.at_meta("tenant-1").await;
        bench.meta_reports("one_number", event).await;
        bench.live_through(Duration::minutes(9)).await;
        bench.reconcile().await;
        assert_eq!(bench.unclaimed().await, Vec::<Value>::new(), "Meta may confirm a code still");
        bench.live_on_schedule(Duration::minutes(10)).await;
        let unclaimed = bench.unclaimed().await;
        assert_eq!((unclaimed.len(), &unclaimed[0]["event"]), (1, &json!(event)));
        assert_eq!(unclaimed[0]["waba_id"], waba(&bench, "one_number").await);
        assert!(is_untouched(&bench, &started).await);
        assert_eq!(bench.calls("recover_token").await, 0);

        bench.finish(&started, "one_number").await;
        assert_eq!(bench.unclaimed().await, Vec::<Value>::new());
        assert_eq!(bench.record(&started).await["signup"]["source"], "callback");
    }
}

/// Somebody who has a link, and whom a stranger's signup at the same app must not be given to.
#[tokio::test]
async fn a_strangers_signup_is_given_to_nobody() {
    let popup = |session: Value| json!({ "session": session });
    let opened = popup(json!({"event": "OPENED", "data": {}}));
    let cancelled = popup(json!({"event": "CANCEL", "data": {"current_step": "PHONE_NUMBER_SETUP"}}));
    let claims_another = popup(json!({"event": "FINISH", "data": {"waba_id": "409812357760199"}}));
    let finished = popup(json!({"event": "FINISH", "data": {}}));
    for told in [vec![], vec![&opened], vec![&opened, &cancelled], vec![&claims_another], vec![&opened, &finished]] {
        let bench = TestBench::new().await;
        let started = bench.client.start("tenant-1").await.unwrap();
        for body in &told {
            assert_eq!(bench.callback(&started, body).await.status, 200);
        }
        bench.meta_reports("one_number:stranger", "PARTNER_ADDED").await;
        bench.live_on_schedule(Duration::minutes(30)).await;
        assert_eq!(bench.status(&started).await, "started", "{told:?}");
        assert_eq!(bench.calls("recover_token").await + bench.calls("numbers").await, 0);
        let signups = bench.unclaimed().await;
        assert_eq!((signups.len(), &signups[0]["claimed_by"]), (1, &json!([])));
        // Each has what is theirs.
        bench.finish(&started, "one_number").await;
    }
}

#[tokio::test]
async fn a_portfolio_that_the_partner_named_decides_nothing() {
    let bench = TestBench::new().await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let mut attackers = Vec::new();
    for business in [popup["session"]["data"]["business_id"].clone(), json!("680000000000009")] {
        let mut body = start_body(&format!("tenant-{business}"));
        body["prefill"] = json!({"business": {"id": business}});
        let answer = bench.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
        let started: Started = serde_json::from_value(answer.succeeded().unwrap()).unwrap();
        bench.goes_to_meta(&started).await;
        attackers.push(started);
    }
    let victim = bench.at_meta("tenant-victim").await;
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    for started in attackers.iter().chain([&victim]) {
        assert!(is_untouched(&bench, started).await);
    }
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&victim, &popup).await.status, 200);
    bench.live_on_schedule(Duration::minutes(10)).await;
    bench.assert_key_works(&victim).await;
}

#[tokio::test]
async fn a_report_that_is_days_old_or_names_no_solution_binds_nothing() {
    let bench = TestBench::new().await;
    let started = bench.at_meta("tenant-1").await;
    for (waba_id, time) in [("409812357760199", 0), ("409812357760198", 1_793_000_000)] {
        bench.reported(waba_id, time, &json!({})).await;
    }
    bench.reported("409812357760197", 1_793_000_000, &json!({"solution_id": "1"})).await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    assert!(is_untouched(&bench, &started).await);
    let reported: Vec<_> = bench.unclaimed().await.into_iter().map(|signup| signup["reported_at"].clone()).collect();
    // That of another solution of the same app is not ours at all.
    assert_eq!(reported.len(), 2);
    assert!(reported.contains(&json!("1970-01-01T00:00:00Z")), "{reported:?}");
}

#[tokio::test]
async fn what_the_page_says_is_a_hint_for_the_partner_and_tells_the_customer_to_click_once_more() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    assert_eq!(bench.page_view(&started).await.body.get("one_more_click"), None);
    let mut returned = bench.client.popup("one_number", "finish").await.unwrap();
    returned["code"] = Value::Null;
    let reply = bench.callback(&started, &returned).await;
    assert_eq!((reply.status, &reply.body["one_more_click"]), (200, &json!(true)), "{}", reply.text);
    assert!(reply.body["launch"].is_object());
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(15)).await;
    assert_eq!(bench.unclaimed().await[0]["claimed_by"], json!([started.id]));
    assert!(is_untouched(&bench, &started).await);
    assert_eq!(bench.page_view(&started).await.body["one_more_click"], true);

    // The code is handed over, and nothing is missing any more.
    let refused = bench.client.popup("other_customer", "finish").await.unwrap();
    bench.callback(&started, &refused).await.assert_problem(422, "waba_not_granted");
    assert_eq!(bench.page_view(&started).await.body.get("one_more_click"), None);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn hints_and_reports_cannot_use_a_link_up_nor_fill_the_table() {
    let bench = TestBench::new().await;
    let started = bench.at_meta("tenant-1").await;
    for number in 0..205 {
        let waba_id = format!("4098123577{number:05}");
        bench.reported(&waba_id, 1_793_000_000, &json!({})).await;
        let hint = json!({"session": {"event": "FINISH", "data": {"waba_id": waba_id}}});
        assert_eq!(bench.callback(&started, &hint).await.status, 200);
    }
    bench.live_on_schedule(Duration::minutes(20)).await;
    let signups = bench.unclaimed().await;
    assert_eq!(signups.len(), 205);
    let hinted = signups.iter().filter(|signup| signup["claimed_by"] == json!([started.id])).count();
    assert_eq!(hinted, 20);
    assert!(is_untouched(&bench, &started).await);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_report_of_a_signup_that_an_onboarding_has_is_known_for_good() {
    let bench = TestBench::new().await;
    let done = bench.signed_up("tenant-1", "one_number").await;
    let choosing = bench.signed_up("tenant-2", "several_numbers").await;
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED", "PARTNER_REMOVED"] {
        bench.meta_reports("one_number", event).await;
        bench.meta_reports("several_numbers", event).await;
        bench.skip(Duration::hours(30)).await;
    }
    assert_eq!(
        (bench.status(&done).await.as_str(), bench.status(&choosing).await.as_str()),
        ("ready", "number_choice")
    );
    assert_eq!(bench.unclaimed().await, Vec::<Value>::new());
    // It expired, and has nothing any more.
    bench.skip(Duration::days(7)).await;
    assert_eq!(bench.status(&choosing).await, "expired");
    bench.meta_reports("several_numbers", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    assert_eq!(bench.unclaimed().await.len(), 1);
}

#[tokio::test]
async fn a_report_repeated_by_meta_is_one_signup_for_thirty_days() {
    let bench = TestBench::new().await;
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED", "PARTNER_ADDED"] {
        bench.meta_reports("one_number", event).await;
        bench.live_on_schedule(Duration::minutes(30)).await;
        assert_eq!(bench.unclaimed().await.len(), 1);
    }
    bench.skip(Duration::days(30)).await;
    assert_eq!(bench.unclaimed().await, Vec::<Value>::new());
}
