//! What a customer sees while the number is being connected. The stack is worked by hand, so that each step stands still.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use local::client::Started;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{BACK, LAUNCH, START, assert_done};

const TITLE: &str = "Your number is being connected";

fn by_hand() -> Plan {
    Plan { by_hand: true, ..Plan::default() }
}

/// Up to where 360dialog has not been told of the number yet.
async fn signed_up(visit: &Visit) -> Started {
    signed_up_with(visit, Value::Null).await
}

/// The same with further members in the onboarding's body.
async fn signed_up_with(visit: &Visit, more: Value) -> Started {
    visit.stack.change(json!({ "live_after_ms": 3_600_000 })).await;
    let started = visit.open_with("tenant-1", more).await;
    visit.sign_up(LAUNCH, FINISH).await;
    visit.sees_step("Handover to 360dialog").await;
    assert_eq!(visit.stack.record(&started).await["status"], "signed_up");
    started
}

async fn submit(visit: &Visit, started: &Started) {
    visit.stack.local.work_off().await;
    assert_eq!(visit.stack.record(started).await["status"], "submitted");
}

async fn go_live(visit: &Visit, started: &Started) {
    visit.stack.pass(Duration::hours(1));
    visit.stack.local.simulator.run_due().await;
    visit.stack.local.work_off().await;
    assert_eq!(visit.stack.record(started).await["status"], "ready");
}

#[tokio::test]
async fn each_step_of_the_progress_is_named_and_the_page_may_be_closed() {
    visit(by_hand(), async |visit| {
        let started = signed_up(visit).await;
        visit.sees_heading(TITLE).await;
        visit.sees("You may close this page.").await;
        visit.inspect("handover").await;
        submit(visit, &started).await;
        visit.sees_step("Number goes live").await;
        visit.inspect("connect").await;
        go_live(visit, &started).await;
        assert_done(visit, &started).await;
    })
    .await;
}

/// Asserts that the way back leads to the success URL, with what the partner's page needs to know.
async fn assert_leads_on(visit: &Visit, started: &Started, status: &str) {
    let url = format!("https://partner.example/welcome?onboarding={}&reference=tenant-1&status={status}", started.id);
    let led = async || (visit.target(BACK).await == url).then_some(());
    visit.browser.wait(&format!("the way back of {status}"), led).await;
}

#[tokio::test]
async fn a_customer_who_has_signed_up_is_led_to_the_success_url_and_need_not_wait() {
    visit(by_hand(), async |visit| {
        let urls = json!({
            "return_url": "https://partner.example/settings",
            "success_url": "https://partner.example/welcome",
        });
        let started = signed_up_with(visit, urls).await;
        assert_leads_on(visit, &started, "signed_up").await;
        visit.inspect("handover-success-url").await;
        submit(visit, &started).await;
        visit.sees_step("Number goes live").await;
        assert_leads_on(visit, &started, "submitted").await;
        go_live(visit, &started).await;
        assert_done(visit, &started).await;
        assert_leads_on(visit, &started, "ready").await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_without_a_success_url_has_no_way_back_before_the_number_is_connected() {
    visit(by_hand(), async |visit| {
        let started = signed_up_with(visit, json!({ "return_url": "https://partner.example/settings" })).await;
        assert!(!visit.offers(BACK).await, "a way back from a page that shows the progress");
        submit(visit, &started).await;
        go_live(visit, &started).await;
        assert_done(visit, &started).await;
        assert_eq!(visit.target(BACK).await, "https://partner.example/settings");
    })
    .await;
}

#[tokio::test]
async fn a_reload_in_the_middle_of_an_onboarding_goes_on() {
    visit(by_hand(), async |visit| {
        let started = signed_up(visit).await;
        visit.reload().await;
        visit.sees_step("Handover to 360dialog").await;
        submit(visit, &started).await;
        visit.reload().await;
        visit.sees_step("Number goes live").await;
        go_live(visit, &started).await;
        assert_done(visit, &started).await;
        visit.reload().await;
        visit.sees_heading("Your number is connected").await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_opens_the_page_again_sees_the_current_progress() {
    visit(by_hand(), async |visit| {
        let started = signed_up(visit).await;
        visit.go("about:blank").await;
        submit(visit, &started).await;
        let client = &visit.browser.client;
        let tab = client.new_window(true).await.unwrap().handle;
        client.close_window().await.unwrap();
        client.switch_to_window(tab).await.unwrap();
        visit.go(&started.setup_url).await;
        visit.sees_step("Number goes live").await;
        assert_ne!(visit.heading().await, START);
        go_live(visit, &started).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_hidden_page_makes_no_requests() {
    visit(by_hand(), async |visit| {
        // Counts what the page still has in mind: timers, and calls that are not answered.
        let watch = "
            const pending = window.pending = new Set();
            const { setTimeout: set, clearTimeout: clear, fetch: call } = window;
            window.setTimeout = (act, wait, ...rest) => {
                const timer = set(() => { pending.delete(timer); act(...rest); }, wait);
                pending.add(timer);
                return timer;
            };
            window.clearTimeout = (timer) => { pending.delete(timer); clear(timer); };
            window.fetch = (...given) => {
                const answer = call(...given);
                pending.add(answer);
                return answer.finally(() => pending.delete(answer));
            };
            let hidden = false;
            Object.defineProperty(document, 'hidden', { get: () => hidden });
            Object.defineProperty(document, 'visibilityState', { get: () => hidden ? 'hidden' : 'visible' });
            window.look = (away) => { hidden = away; document.dispatchEvent(new Event('visibilitychange')); };
        ";
        visit.browser.before_load(watch).await;
        let started = signed_up(visit).await;
        let asks = async || visit.browser.evaluate("return pending.size", vec![]).await.as_u64().unwrap();
        visit.browser.wait("the next question", async || (asks().await > 0).then_some(())).await;

        visit.browser.evaluate("look(true)", vec![]).await;
        // The SDK's time limit may still run; it ends by itself.
        visit.browser.wait("the page to rest", async || (asks().await == 0).then_some(())).await;
        submit(visit, &started).await;
        assert_eq!(asks().await, 0);
        assert_eq!(visit.step().await, "Handover to 360dialog");

        visit.browser.evaluate("look(false)", vec![]).await;
        visit.sees_step("Number goes live").await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_shown_until_it_is_back() {
    visit(by_hand(), async |visit| {
        visit.expect_error("net::ERR_INTERNET_DISCONNECTED");
        let started = signed_up(visit).await;
        let offline = |offline: bool| {
            let conditions =
                json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
            visit.browser.cdp("Network.emulateNetworkConditions", conditions)
        };
        offline(true).await;
        visit.is_told("No connection at the moment. This page keeps trying.").await;
        visit.inspect("offline").await;
        submit(visit, &started).await;
        offline(false).await;
        visit.sees_step("Number goes live").await;
        assert!(!visit.text().await.contains("No connection"));
    })
    .await;
}
