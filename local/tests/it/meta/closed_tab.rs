//! The customer finishes at Meta and the page never hands the signup over: Meta's own word for it is enough, if it can only
//! be about one customer.

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use secrecy::ExposeSecret;
use secrets::Secrets;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::fakes::SCHEDULE;
use crate::support::replies::send;
use crate::support::webhooks::hmac_hex;

impl TestBench {
    /// A customer who is at Meta: the page said so, and says nothing more.
    async fn at_meta(&self, reference: &str) -> Started {
        let started = self.client.start(reference).await.unwrap();
        self.goes_to_meta(&started).await;
        started
    }

    /// The same, with the portfolio that this popup will return named by the partner.
    async fn at_meta_as(&self, reference: &str, popup: &Value) -> Started {
        let mut body = start_body(reference);
        body["prefill"] = json!({"business": {"id": popup["session"]["data"]["business_id"]}});
        let answer = self.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
        let started = serde_json::from_value(answer.succeeded().unwrap()).unwrap();
        self.goes_to_meta(&started).await;
        started
    }

    async fn goes_to_meta(&self, started: &Started) {
        let opened = json!({"session": {"event": "OPENED", "data": {}}});
        assert_eq!(self.callback(started, &opened).await.status, 200);
    }

    /// Meta reports that an account's customer finished.
    async fn meta_reports(&self, account: &str, event: &str) {
        let order = json!({"account": account, "event": event});
        assert_eq!(self.client.order("account_update", &order).await.unwrap()["status"], 200);
    }

    /// A webhook of Meta's, signed as it should be.
    async fn meta_webhook(&self, body: &Value) {
        let body = body.to_string();
        let secret = self.stack.twins.secrets.bundle().await.unwrap();
        let signature = format!("sha256={}", hmac_hex(secret.meta_app_secret.expose_secret(), body.as_bytes()));
        let request = self.client.request(Method::POST, "/v1/webhooks/meta", "").body(body);
        assert_eq!(send(request.header("x-hub-signature-256", signature)).await.status, 200);
    }

    /// What the newest attempt on record says.
    async fn last_attempt(&self, started: &Started) -> Value {
        self.record(started).await["attempts"].as_array().unwrap().last().cloned().unwrap_or_default()
    }

    async fn attempts(&self, started: &Started) -> usize {
        self.record(started).await["attempts"].as_array().map_or(0, Vec::len)
    }
}

#[tokio::test]
async fn a_customer_who_closed_the_tab_gets_a_key_by_metas_report() {
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED"] {
        let bench = TestBench::new().await;
        let started = bench.at_meta("tenant-1").await;
        bench.meta_reports("one_number", event).await;
        bench.live_through(Duration::seconds(90)).await;
        bench.reconcile().await;
        assert_eq!(bench.status(&started).await, "started", "the page may still hand it over");
        bench.live_on_schedule(Duration::minutes(10)).await;
        bench.assert_promise_kept(&started).await;
        assert_eq!(bench.calls("recover_token").await, 1);
        assert_eq!(bench.attempts(&started).await, 0, "to come to Meta is no attempt");
    }
}

#[tokio::test]
async fn a_popup_that_finished_without_a_code_ends_with_a_key_by_metas_report() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let mut returned = bench.client.popup("one_number", "finish").await.unwrap();
    returned["code"] = Value::Null;
    bench.callback(&started, &returned).await.assert_problem(422, "code_missing");
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_code_lost_at_the_exchange_ends_with_a_key_by_metas_report() {
    let bench = TestBench::new().await;
    let started = bench.at_meta("tenant-1").await;
    let returned = bench.client.popup("one_number", "finish").await.unwrap();
    bench.fault(json!({"route": "exchange_code", "after_effect": true, "drop": true})).await;
    assert_eq!(bench.callback(&started, &returned).await.status, 503);
    bench.meta_reports("one_number", "PARTNER_APP_INSTALLED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_reported_signup_with_several_numbers_leaves_the_choice_to_the_customer() {
    let bench = TestBench::new().await;
    let started = bench.at_meta("tenant-1").await;
    bench.meta_reports("several_numbers", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "number_choice");
    let numbers = bench.setup_view(&started).await.body["numbers"].clone();
    assert_eq!(numbers.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_report_that_fits_two_customers_is_matched_to_neither_and_the_partner_is_told() {
    let bench = TestBench::new().await;
    let both = [bench.at_meta("tenant-1").await, bench.at_meta("tenant-2").await];
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    for started in &both {
        assert_eq!(bench.status(started).await, "started");
        let attempt = bench.last_attempt(started).await;
        assert_eq!((&attempt["event"], &attempt["error_code"]), (&json!("PARTNER_ADDED"), &json!("signup_unclear")));
    }
    assert_eq!(bench.calls("recover_token").await, 0);
    // The one whom it was opens the link again.
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&both[1], &popup).await.status, 200);
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!((bench.status(&both[0]).await.as_str(), bench.status(&both[1]).await.as_str()), ("started", "ready"));
}

#[tokio::test]
async fn a_portfolio_named_by_the_partner_decides_between_two_customers() {
    let bench = TestBench::new().await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let named = bench.at_meta_as("tenant-1", &popup).await;
    let other = bench.at_meta("tenant-2").await;
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!((bench.status(&named).await.as_str(), bench.status(&other).await.as_str()), ("ready", "started"));
    assert_eq!(bench.attempts(&other).await, 0);
}

#[tokio::test]
async fn a_report_without_a_system_user_token_is_told_to_the_partner() {
    let bench = TestBench::new().await;
    bench.change_secret(|bundle| bundle.meta_system_user_token = None).await;
    bench.stack.twins.secrets.refresh().await.unwrap();
    let started = bench.at_meta("tenant-1").await;
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "started");
    assert_eq!(bench.last_attempt(&started).await["error_code"], "signup_not_fetched");
    assert_eq!(bench.calls("recover_token").await, 0);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_report_of_a_signup_that_the_page_handed_over_costs_no_call() {
    let bench = TestBench::new().await;
    let done = bench.signed_up("tenant-1", "one_number").await;
    let other = bench.at_meta("tenant-2").await;
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED", "PARTNER_REMOVED"] {
        bench.meta_reports("one_number", event).await;
    }
    bench.live_on_schedule(Duration::minutes(30)).await;
    assert_eq!(bench.calls("recover_token").await, 0);
    assert_eq!((bench.status(&other).await.as_str(), bench.attempts(&other).await), ("started", 0));
    assert_eq!(bench.status(&done).await, "ready");
}

#[tokio::test]
async fn a_report_is_never_matched_to_a_customer_who_is_not_at_meta() {
    let bench = TestBench::new().await;
    let never = bench.client.start("tenant-1").await.unwrap();
    let long_ago = bench.at_meta("tenant-2").await;
    bench.live_on_schedule(Duration::hours(25)).await;
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    for started in [&never, &long_ago] {
        assert_eq!((bench.status(started).await.as_str(), bench.attempts(started).await), ("started", 0));
    }
    assert_eq!(bench.calls("recover_token").await, 0);
}

#[tokio::test]
async fn a_reported_number_of_another_onboarding_stays_with_it() {
    let bench = TestBench::new().await;
    let owner = bench.signed_up("tenant-1", "one_number").await;
    bench.live_on_schedule(Duration::hours(25)).await;
    let stranger = bench.at_meta("tenant-2").await;
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.status(&owner).await, "ready");
    assert_eq!(bench.status(&stranger).await, "started");
    assert_eq!(bench.last_attempt(&stranger).await["error_code"], "number_taken");
}

#[tokio::test]
async fn a_reported_signup_does_not_offer_numbers_of_another_onboarding() {
    let bench = TestBench::new().await;
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    let owner = bench.client.start("tenant-1").await.unwrap();
    assert_eq!(bench.callback(&owner, &popup).await.status, 200);
    let chosen = bench.setup_view(&owner).await.body["numbers"][0]["id"].clone();
    let path = format!("/v1/onboardings/{}/number", owner.id);
    assert_eq!(bench.post(&path, owner.token(), &json!({"phone_number_id": chosen})).await.status, 202);
    bench.live_on_schedule(Duration::hours(25)).await;
    assert_eq!(bench.status(&owner).await, "ready");
    let stranger = bench.at_meta("tenant-2").await;
    bench.meta_reports("several_numbers", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.status(&stranger).await, "started");
    assert_eq!(bench.last_attempt(&stranger).await["error_code"], "number_taken");
}

#[tokio::test]
async fn a_report_of_a_portfolio_that_has_finished_is_matched_to_no_customer() {
    let bench = TestBench::new().await;
    let done = bench.signed_up("tenant-1", "one_number").await;
    let waiting = bench.at_meta("tenant-2").await;
    let owner = bench.record(&done).await["signup"]["business_id"].clone();
    assert!(owner.is_string());
    bench.meta_webhook(&json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "100200300400500", "time": 1_793_000_000, "changes": [{"field": "account_update", "value": {
            "event": "PARTNER_ADDED",
            "waba_info": {"waba_id": "409812357760199", "owner_business_id": owner},
        }}]}],
    }))
    .await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    assert_eq!(bench.status(&waiting).await, "started");
    assert_eq!(bench.last_attempt(&waiting).await["error_code"], "signup_unclear");
    assert_eq!(bench.calls("recover_token").await, 0);
}

#[tokio::test]
async fn a_report_among_more_customers_than_the_bound_is_matched_to_none() {
    let bench = TestBench::new().await;
    let mut waiting = Vec::new();
    for number in 0..51 {
        waiting.push(bench.at_meta(&format!("tenant-{number}")).await);
    }
    // All but one of the first fifty hand their signups over: that one is not the only one left.
    for started in &waiting[1..50] {
        let account = format!("one_number:{}", started.id);
        let popup = bench.client.popup(&account, "finish").await.unwrap();
        assert_eq!(bench.callback(started, &popup).await.status, 200);
    }
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::minutes(10)).await;
    for started in [&waiting[0], &waiting[50]] {
        assert_eq!((bench.status(started).await.as_str(), bench.attempts(started).await), ("started", 0));
    }
    assert_eq!(bench.calls("recover_token").await, 0);
}

#[tokio::test]
async fn a_report_repeated_by_meta_is_told_once() {
    let bench = TestBench::new().await;
    let both = [bench.at_meta("tenant-1").await, bench.at_meta("tenant-2").await];
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED", "PARTNER_ADDED"] {
        bench.meta_reports("one_number", event).await;
        bench.live_on_schedule(Duration::minutes(30)).await;
    }
    for started in &both {
        assert_eq!(bench.attempts(started).await, 1);
    }
}

#[tokio::test]
async fn a_report_is_processed_once_meta_and_the_system_user_work_again() {
    let route = |route: &str| json!({"route": route, "times": 1_000_000});
    let mut refused = route("recover_token");
    refused["status"] = json!(400);
    refused["body"] = json!({"error": {"message": "Invalid token", "type": "OAuthException", "code": 190}});
    let mut down = route("recover_token");
    down["drop"] = json!(true);
    let mut halfway = route("phone_numbers");
    halfway["status"] = json!(500);
    for fault in [refused, down, halfway] {
        let bench = TestBench::new().await;
        let started = bench.at_meta("tenant-1").await;
        bench.fault(fault.clone()).await;
        bench.meta_reports("one_number", "PARTNER_ADDED").await;
        bench.live_on_schedule(Duration::hours(4)).await;
        assert_eq!(bench.status(&started).await, "started", "{fault}");
        let tries = bench.calls("recover_token").await;
        assert!((5..30).contains(&tries), "{tries} tries: {fault}");
        bench.mend().await;
        bench.live_on_schedule(Duration::hours(2)).await;
        bench.assert_promise_kept(&started).await;
    }
}

#[tokio::test]
async fn a_report_that_meta_refuses_for_good_is_told_once() {
    let bench = TestBench::new().await;
    let started = bench.at_meta("tenant-1").await;
    bench
        .fault(json!({"route": "recover_token", "times": 1_000_000, "status": 400,
            "body": {"error": {"message": "No token", "type": "OAuthException", "code": 3962}}}))
        .await;
    bench.meta_reports("one_number", "PARTNER_ADDED").await;
    bench.live_on_schedule(Duration::hours(8)).await;
    assert_eq!(bench.last_attempt(&started).await["error_code"], "meta_refused");
    assert_eq!((bench.calls("recover_token").await, bench.attempts(&started).await), (1, 1));
}

#[tokio::test]
async fn one_reconciliation_fetches_a_bounded_number_of_tokens_and_the_next_goes_on() {
    let bench = TestBench::unlimited().await;
    let mut all = Vec::new();
    for number in 0..7 {
        let account = format!("one_number:{number}");
        let popup = bench.client.popup(&account, "finish").await.unwrap();
        all.push(bench.at_meta_as(&format!("tenant-{number}"), &popup).await);
        bench.meta_reports(&account, "PARTNER_ADDED").await;
    }
    bench.live_through(Duration::minutes(3)).await;
    bench.reconcile().await;
    assert_eq!(bench.calls("recover_token").await, 5);
    bench.live_on_schedule(SCHEDULE * 2).await;
    assert_eq!(bench.calls("recover_token").await, 7);
    for started in &all {
        assert_eq!(bench.status(started).await, "ready");
    }
}
