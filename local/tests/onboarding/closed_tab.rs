//! The customer finishes at Meta and the page never hands the signup over: Meta's own word for it is enough, if it can only
//! be about one customer.

use local::client::{Started, start_body};
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use secrecy::ExposeSecret;
use secrets::Secrets;
use serde_json::{Value, json};
use time::Duration;

use crate::answers::send;
use crate::hooks::hmac_hex;
use crate::hub_orders::SCHEDULE;
use crate::world::World;

impl World {
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
        let secret = self.stack.world.secrets.bundle().await.unwrap();
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
async fn a_customer_who_closed_the_tab_gets_a_key() {
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED"] {
        let world = World::new().await;
        let started = world.at_meta("tenant-1").await;
        world.meta_reports("one_number", event).await;
        world.live_through(Duration::seconds(90)).await;
        world.reconcile().await;
        assert_eq!(world.status(&started).await, "started", "the page may still hand it over");
        world.live_on_schedule(Duration::minutes(10)).await;
        world.assert_promise_kept(&started).await;
        assert_eq!(world.calls("recover_token").await, 1);
        assert_eq!(world.attempts(&started).await, 0, "to come to Meta is no attempt");
    }
}

#[tokio::test]
async fn a_popup_that_finished_without_a_code_is_the_same() {
    let world = World::new().await;
    let started = world.client.start("tenant-1").await.unwrap();
    let mut returned = world.client.popup("one_number", "finish").await.unwrap();
    returned["code"] = Value::Null;
    world.callback(&started, &returned).await.assert_problem(422, "code_missing");
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_code_that_was_lost_at_the_exchange_is_the_same() {
    let world = World::new().await;
    let started = world.at_meta("tenant-1").await;
    let returned = world.client.popup("one_number", "finish").await.unwrap();
    world.fault(json!({"route": "exchange_code", "after_effect": true, "drop": true})).await;
    assert_eq!(world.callback(&started, &returned).await.status, 503);
    world.meta_reports("one_number", "PARTNER_APP_INSTALLED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    world.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn several_numbers_are_left_to_the_customer() {
    let world = World::new().await;
    let started = world.at_meta("tenant-1").await;
    world.meta_reports("several_numbers", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(world.status(&started).await, "number_choice");
    let numbers = world.setup_view(&started).await.body["numbers"].clone();
    assert_eq!(numbers.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn where_it_may_be_two_customers_nobody_guesses_and_the_partner_is_told() {
    let world = World::new().await;
    let both = [world.at_meta("tenant-1").await, world.at_meta("tenant-2").await];
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(30)).await;
    for started in &both {
        assert_eq!(world.status(started).await, "started");
        let attempt = world.last_attempt(started).await;
        assert_eq!((&attempt["event"], &attempt["error_code"]), (&json!("PARTNER_ADDED"), &json!("signup_unclear")));
    }
    assert_eq!(world.calls("recover_token").await, 0);
    // The one whom it was opens the link again.
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(world.callback(&both[1], &popup).await.status, 200);
    world.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!((world.status(&both[0]).await.as_str(), world.status(&both[1]).await.as_str()), ("started", "ready"));
}

#[tokio::test]
async fn a_portfolio_that_the_partner_named_decides_between_two() {
    let world = World::new().await;
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    let named = world.at_meta_as("tenant-1", &popup).await;
    let other = world.at_meta("tenant-2").await;
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!((world.status(&named).await.as_str(), world.status(&other).await.as_str()), ("ready", "started"));
    assert_eq!(world.attempts(&other).await, 0);
}

#[tokio::test]
async fn without_a_system_user_the_partner_is_told() {
    let world = World::new().await;
    world.change_secret(|bundle| bundle.meta_system_user_token = None).await;
    world.stack.world.secrets.refresh().await.unwrap();
    let started = world.at_meta("tenant-1").await;
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(world.status(&started).await, "started");
    assert_eq!(world.last_attempt(&started).await["error_code"], "signup_not_fetched");
    assert_eq!(world.calls("recover_token").await, 0);
    world.finish(&started, "one_number").await;
}

#[tokio::test]
async fn reports_of_signups_that_were_handed_over_cost_nothing() {
    let world = World::new().await;
    let done = world.signed_up("tenant-1", "one_number").await;
    let other = world.at_meta("tenant-2").await;
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED", "PARTNER_REMOVED"] {
        world.meta_reports("one_number", event).await;
    }
    world.live_on_schedule(Duration::minutes(30)).await;
    assert_eq!(world.calls("recover_token").await, 0);
    assert_eq!((world.status(&other).await.as_str(), world.attempts(&other).await), ("started", 0));
    assert_eq!(world.status(&done).await, "ready");
}

#[tokio::test]
async fn who_is_not_at_meta_is_not_meant() {
    let world = World::new().await;
    let never = world.client.start("tenant-1").await.unwrap();
    let long_ago = world.at_meta("tenant-2").await;
    world.live_on_schedule(Duration::hours(25)).await;
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(30)).await;
    for started in [&never, &long_ago] {
        assert_eq!((world.status(started).await.as_str(), world.attempts(started).await), ("started", 0));
    }
    assert_eq!(world.calls("recover_token").await, 0);
}

#[tokio::test]
async fn a_number_of_another_onboarding_stays_there() {
    let world = World::new().await;
    let owner = world.signed_up("tenant-1", "one_number").await;
    world.live_on_schedule(Duration::hours(25)).await;
    let stranger = world.at_meta("tenant-2").await;
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(world.status(&owner).await, "ready");
    assert_eq!(world.status(&stranger).await, "started");
    assert_eq!(world.last_attempt(&stranger).await["error_code"], "number_taken");
}

#[tokio::test]
async fn numbers_of_another_onboarding_are_not_offered() {
    let world = World::new().await;
    let popup = world.client.popup("several_numbers", "finish").await.unwrap();
    let owner = world.client.start("tenant-1").await.unwrap();
    assert_eq!(world.callback(&owner, &popup).await.status, 200);
    let chosen = world.setup_view(&owner).await.body["numbers"][0]["id"].clone();
    let path = format!("/v1/onboardings/{}/number", owner.id);
    assert_eq!(world.post(&path, owner.token(), &json!({"phone_number_id": chosen})).await.status, 202);
    world.live_on_schedule(Duration::hours(25)).await;
    assert_eq!(world.status(&owner).await, "ready");
    let stranger = world.at_meta("tenant-2").await;
    world.meta_reports("several_numbers", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(world.status(&stranger).await, "started");
    assert_eq!(world.last_attempt(&stranger).await["error_code"], "number_taken");
}

#[tokio::test]
async fn a_second_account_of_a_portfolio_that_has_finished_is_nobodys() {
    let world = World::new().await;
    let done = world.signed_up("tenant-1", "one_number").await;
    let waiting = world.at_meta("tenant-2").await;
    let owner = world.record(&done).await["signup"]["business_id"].clone();
    assert!(owner.is_string());
    world.meta_webhook(&json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "100200300400500", "time": 1_793_000_000, "changes": [{"field": "account_update", "value": {
            "event": "PARTNER_ADDED",
            "waba_info": {"waba_id": "409812357760199", "owner_business_id": owner},
        }}]}],
    }))
    .await;
    world.live_on_schedule(Duration::minutes(30)).await;
    assert_eq!(world.status(&waiting).await, "started");
    assert_eq!(world.last_attempt(&waiting).await["error_code"], "signup_unclear");
    assert_eq!(world.calls("recover_token").await, 0);
}

#[tokio::test]
async fn among_more_customers_than_are_looked_at_nobody_is_meant() {
    let world = World::new().await;
    let mut waiting = Vec::new();
    for number in 0..51 {
        waiting.push(world.at_meta(&format!("tenant-{number}")).await);
    }
    // All but one of the first fifty hand their signups over: that one is not the only one left.
    for started in &waiting[1..50] {
        let account = format!("one_number:{}", started.id);
        let popup = world.client.popup(&account, "finish").await.unwrap();
        assert_eq!(world.callback(started, &popup).await.status, 200);
    }
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::minutes(10)).await;
    for started in [&waiting[0], &waiting[50]] {
        assert_eq!((world.status(started).await.as_str(), world.attempts(started).await), ("started", 0));
    }
    assert_eq!(world.calls("recover_token").await, 0);
}

#[tokio::test]
async fn what_meta_repeats_is_told_once() {
    let world = World::new().await;
    let both = [world.at_meta("tenant-1").await, world.at_meta("tenant-2").await];
    for event in ["PARTNER_ADDED", "PARTNER_APP_INSTALLED", "PARTNER_ADDED"] {
        world.meta_reports("one_number", event).await;
        world.live_on_schedule(Duration::minutes(30)).await;
    }
    for started in &both {
        assert_eq!(world.attempts(started).await, 1);
    }
}

#[tokio::test]
async fn meta_may_fail_and_the_system_user_may_be_refused_for_a_while() {
    let route = |route: &str| json!({"route": route, "times": 1_000_000});
    let mut refused = route("recover_token");
    refused["status"] = json!(400);
    refused["body"] = json!({"error": {"message": "Invalid token", "type": "OAuthException", "code": 190}});
    let mut down = route("recover_token");
    down["drop"] = json!(true);
    let mut halfway = route("phone_numbers");
    halfway["status"] = json!(500);
    for fault in [refused, down, halfway] {
        let world = World::new().await;
        let started = world.at_meta("tenant-1").await;
        world.fault(fault.clone()).await;
        world.meta_reports("one_number", "PARTNER_ADDED").await;
        world.live_on_schedule(Duration::hours(8)).await;
        assert_eq!(world.status(&started).await, "started", "{fault}");
        let tries = world.calls("recover_token").await;
        assert!((5..30).contains(&tries), "{tries} tries: {fault}");
        world.mend().await;
        world.live_on_schedule(Duration::hours(2)).await;
        world.assert_promise_kept(&started).await;
    }
}

#[tokio::test]
async fn what_meta_refuses_for_good_is_told_once() {
    let world = World::new().await;
    let started = world.at_meta("tenant-1").await;
    world
        .fault(json!({"route": "recover_token", "times": 1_000_000, "status": 400,
            "body": {"error": {"message": "No token", "type": "OAuthException", "code": 3962}}}))
        .await;
    world.meta_reports("one_number", "PARTNER_ADDED").await;
    world.live_on_schedule(Duration::hours(8)).await;
    assert_eq!(world.last_attempt(&started).await["error_code"], "meta_refused");
    assert_eq!((world.calls("recover_token").await, world.attempts(&started).await), (1, 1));
}

#[tokio::test]
async fn one_run_fetches_a_bounded_number_of_tokens_and_the_next_goes_on() {
    let world = World::unlimited().await;
    let mut all = Vec::new();
    for number in 0..7 {
        let account = format!("one_number:{number}");
        let popup = world.client.popup(&account, "finish").await.unwrap();
        all.push(world.at_meta_as(&format!("tenant-{number}"), &popup).await);
        world.meta_reports(&account, "PARTNER_ADDED").await;
    }
    world.live_through(Duration::minutes(3)).await;
    world.reconcile().await;
    assert_eq!(world.calls("recover_token").await, 5);
    world.live_on_schedule(SCHEDULE * 2).await;
    assert_eq!(world.calls("recover_token").await, 7);
    for started in &all {
        assert_eq!(world.status(started).await, "ready");
    }
}
