//! Where the popup cannot work: the sign-in on a full page ends in the same place.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use serde_json::json;
use url::Url;

use crate::support::{FULL_PAGE, LAUNCH, START, assert_clean_address, assert_done, assert_left};

const BLOCKED: &str = "Your browser has blocked Meta’s window.";
const SDK: &str = "Meta’s sign-in could not be loaded.";

async fn block_popups(visit: &Visit) {
    visit.browser.before_load("window.open = () => null").await;
}

#[tokio::test]
async fn a_blocked_popup_is_explained_and_the_full_page_works() {
    visit(Plan::default(), async |visit| {
        block_popups(visit).await;
        let started = visit.open("tenant-1").await;
        visit.press(LAUNCH).await;
        visit.is_told(BLOCKED).await;
        visit.control(LAUNCH).await;
        visit.control(FULL_PAGE).await;
        visit.inspect("blocked").await;
        visit.sign_up_on_full_page(FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_blocked_sdk_is_explained_and_the_full_page_works() {
    visit(Plan::default(), async |visit| {
        visit.browser.cdp("Network.setBlockedURLs", json!({ "urls": ["*/sdk.js"] })).await;
        let started = visit.open("tenant-1").await;
        visit.is_told(SDK).await;
        assert!(!visit.offers(LAUNCH).await, "a button that cannot work");
        visit.inspect("sdk-blocked").await;
        visit.sign_up_on_full_page(FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn the_page_waits_ten_seconds_for_the_sdk_and_no_longer() {
    visit(Plan::default(), async |visit| {
        visit.stack.fault(json!({ "route": "sdk_script", "delay_ms": 60_000 })).await;
        // Ten seconds, and nothing else, pass at once as soon as the test says so.
        let clock = "
            const real = window.setTimeout;
            const held = [];
            window.setTimeout = (act, wait, ...rest) => wait === 10000 ? held.push(act) : real(act, wait, ...rest);
            window.passTenSeconds = () => held.splice(0).map((act) => act()).length;
        ";
        visit.browser.before_load(clock).await;
        let started = visit.open("tenant-1").await;
        visit.press(LAUNCH).await;
        visit.is_told("One moment, Meta’s window is being prepared.").await;
        let passed = visit.browser.evaluate("return passTenSeconds()", vec![]).await;
        assert_eq!(passed, 1, "nothing waits for ten seconds");
        visit.is_told(SDK).await;
        visit.sign_up_on_full_page(FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn an_in_app_browser_is_offered_the_full_page_at_once() {
    visit(Plan::default(), async |visit| {
        let agent = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Version/4.0 Chrome/124.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/463.0.0.45.85;]";
        visit.browser.cdp("Network.setUserAgentOverride", json!({ "userAgent": agent })).await;
        let started = visit.open("tenant-1").await;
        visit.is_told("This page is open inside another app").await;
        visit.inspect("in-app").await;
        visit.sign_up_on_full_page(FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn accounts_with_several_or_no_numbers_are_handled_on_the_full_page() {
    visit(Plan::default(), async |visit| {
        block_popups(visit).await;
        visit.expect_error("422 (Unprocessable");
        let started = visit.open("tenant-1").await;
        visit.press(LAUNCH).await;
        visit.sign_up_on_full_page(FINISH.by("no_number")).await;
        visit.is_told("has no phone number yet").await;
        visit.press(LAUNCH).await;
        visit.sign_up_on_full_page(FINISH.by("several_numbers")).await;
        visit.sees_heading("Which number do you want to connect?").await;
        assert_eq!(visit.stack.record(&started).await["status"], "number_choice");
        assert_clean_address(visit).await;
    })
    .await;
}

#[tokio::test]
async fn a_refusal_on_the_full_page_is_told_and_its_message_is_shown_as_text() {
    visit(Plan::default(), async |visit| {
        block_popups(visit).await;
        let started = visit.open("tenant-1").await;
        visit.press(LAUNCH).await;
        visit.press(FULL_PAGE).await;
        let state = state(visit).await;
        let html = "<img src=x onerror=\"document.title='run'\"><b>bold</b>";
        let query = [("error", "access_denied"), ("error_code", "200"), ("error_description", html), ("state", &state)];
        let back = Url::parse_with_params(&format!("{}/signup", visit.stack.local.url), query).unwrap();
        visit.go(back.as_str()).await;
        visit.is_told("The sign-in on the full page was not finished.").await;
        visit.sees(html).await;
        let elements =
            visit.browser.evaluate("return document.querySelectorAll('main img, main b').length", vec![]).await;
        assert_eq!(elements, 0);
        assert_clean_address(visit).await;
        let attempt = assert_left(visit, &started, "CANCEL").await;
        assert_eq!((&attempt["error_message"], &attempt["error_code"]), (&json!(html), &json!("200")));
        visit.inspect("denied").await;
        visit.sign_up_on_full_page(FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_failure_that_facebook_reports_by_its_number_alone_is_told_and_kept() {
    visit(Plan::default(), async |visit| {
        visit.browser.cdp("Network.setBlockedURLs", json!({ "urls": ["*/sdk.js"] })).await;
        let started = visit.open("tenant-1").await;
        visit.is_told(SDK).await;
        visit.press(FULL_PAGE).await;
        let state = state(visit).await;
        let query = [("error_code", "1349003"), ("error_message", "Login Error"), ("state", &state)];
        let back = Url::parse_with_params(&format!("{}/signup", visit.stack.local.url), query).unwrap();
        visit.go(&format!("{back}#_=_")).await;
        visit.is_told("The sign-in on the full page was not finished.").await;
        visit.is_told("Login Error").await;
        let attempt = assert_left(visit, &started, "CANCEL").await;
        assert_eq!((&attempt["error_message"], &attempt["error_code"]), (&json!("Login Error"), &json!("1349003")));
        // What has happened matters more than that the popup still cannot work.
        visit.control(FULL_PAGE).await;
        assert!(!visit.text().await.contains(SDK));
        visit.sign_up_on_full_page(FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_comes_back_in_another_browser_is_told_what_to_do() {
    visit(Plan::default(), async |visit| {
        let query = [("code", "AQmade-up-code"), ("state", "0123456789abcdef0123456789abcdef")];
        let back = Url::parse_with_params(&format!("{}/signup", visit.stack.local.url), query).unwrap();
        visit.go(back.as_str()).await;
        visit.sees_heading("Please open your setup link").await;
        visit.sees("You came back from Facebook in another browser.").await;
        assert_clean_address(visit).await;
        visit.inspect("elsewhere").await;
    })
    .await;
}

#[tokio::test]
async fn a_return_with_a_wrong_or_used_state_is_refused() {
    visit(Plan::default(), async |visit| {
        block_popups(visit).await;
        let started = visit.open("tenant-1").await;
        visit.press(LAUNCH).await;
        visit.press(FULL_PAGE).await;
        let asked = state(visit).await;
        let page = format!("{}/signup", visit.stack.local.url);
        let order = json!({ "account": "one_number", "redirect_uri": page });
        let popup = visit.stack.client.order("popup", &order).await.unwrap();
        let code = popup["code"].as_str().unwrap().to_owned();
        // Another state; then, after the one return, the right one too late.
        for state in ["0123456789abcdef0123456789abcdef", &asked] {
            let back = Url::parse_with_params(&page, [("code", code.as_str()), ("state", state)]).unwrap();
            visit.go(back.as_str()).await;
            visit.is_told("This sign-in was not started on this page, or it is too old.").await;
            visit.sees_heading(START).await;
            assert_clean_address(visit).await;
        }
        visit.inspect("foreign").await;
        assert_eq!(visit.stack.record(&started).await["status"], "started");
        let traffic = visit.traffic().await;
        let posted = traffic.to(&visit.stack.local.url).iter().filter(|request| request.method == "POST").count();
        assert_eq!(posted, 1, "more was posted than that the customer goes to Meta");
        let ledger = visit.stack.client.ledger().await.unwrap();
        let exchanged = ledger["calls"].as_array().unwrap().iter().any(|call| call["route"] == "exchange_code");
        assert!(!exchanged, "the code was handed over");
    })
    .await;
}

/// The state with which the page left for Meta.
async fn state(visit: &Visit) -> String {
    let address =
        async || visit.address().await.parse::<Url>().ok().filter(|url| url.path().ends_with("/dialog/oauth"));
    let address = visit.browser.wait("Meta's full page", address).await;
    let state = address.query_pairs().find_map(|(name, value)| (name == "state").then(|| value.into_owned()));
    let state = state.unwrap();
    assert!(state.len() >= 32, "{state}");
    state
}
