//! Onboardings that the partner called off, and numbers whose channel has ended.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use local::client::Started;
use serde_json::json;

use crate::support::{BACK, LAUNCH, assert_done};

const CALLED_OFF: &str = "This sign-up has been called off";
const DISCONNECTED: &str = "Your number is no longer connected";
const RETURN_URL: &str = "https://partner.example/settings";

/// How often the page has asked for the onboarding.
async fn looks(visit: &Visit, started: &Started) -> usize {
    let traffic = visit.traffic().await;
    let url = format!("{}/onboardings/{}", visit.stack.local.url, started.id);
    traffic.to(&url).iter().filter(|request| request.method == "GET").count()
}

/// Asserts that the page asks no more, except when the customer returns to its tab: a page that polled would ask twice then, for its
/// poll and for the return, in the same moment.
async fn assert_at_rest(visit: &Visit, started: &Started) {
    let before = looks(visit, started).await;
    visit.browser.evaluate("document.dispatchEvent(new Event('visibilitychange'))", vec![]).await;
    let again = async || (looks(visit, started).await > before).then_some(());
    visit.browser.wait("one more look", again).await;
    assert_eq!(looks(visit, started).await, before + 1, "the page still polls");
}

#[tokio::test]
async fn a_signup_that_the_partner_called_off_is_explained() {
    visit(Plan::default(), async |visit| {
        let started = visit.open_with("tenant-1", json!({ "return_url": RETURN_URL })).await;
        visit.control(LAUNCH).await;
        visit.stack.client.cancel(&started.id).await.unwrap();
        visit.reload().await;
        visit.sees_heading(CALLED_OFF).await;
        visit.sees("Funkturm CRM has called it off. Your number is not being connected.").await;
        assert_eq!(visit.target(BACK).await, RETURN_URL);
        visit.control("Get help").await;
        assert!(!visit.offers("Ask for a new link").await, "a button that leads nowhere");
        visit.inspect("called-off").await;
    })
    .await;
}

#[tokio::test]
async fn a_page_whose_signup_is_called_off_while_it_waits_comes_to_rest() {
    visit(Plan { by_hand: true, ..Plan::default() }, async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH).await;
        visit.sees_step("Handover to 360dialog").await;
        visit.stack.client.cancel(&started.id).await.unwrap();
        visit.sees_heading(CALLED_OFF).await;
        assert_eq!(visit.focus().await, CALLED_OFF);
        assert!(!visit.offers(BACK).await, "a button that leads nowhere");
        assert_at_rest(visit, &started).await;
        assert_eq!(visit.heading().await, CALLED_OFF);
    })
    .await;
}

#[tokio::test]
async fn a_number_whose_channel_has_ended_is_said_to_be_no_longer_connected() {
    visit(Plan::default(), async |visit| {
        let started = visit.open_with("tenant-1", json!({ "return_url": RETURN_URL })).await;
        visit.sign_up(LAUNCH, FINISH).await;
        let record = assert_done(visit, &started).await;
        let end = json!({ "channel_id": record["channel_id"], "step": "processed" });
        visit.stack.client.order("cancellation", &end).await.unwrap();
        visit.stack.reaches(&started, "disconnected").await;
        visit.reload().await;
        visit.sees_heading(DISCONNECTED).await;
        visit.sees("Funkturm CRM can no longer send or receive messages with this number.").await;
        assert_eq!(visit.target(BACK).await, RETURN_URL);
        visit.inspect("disconnected").await;
        assert_at_rest(visit, &started).await;
    })
    .await;
}
