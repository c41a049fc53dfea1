//! Signups that are not accepted, and onboardings that fail.

use e2e::popup::{Choice, FINISH};
use e2e::visit::{Plan, Visit, visit};
use local::client::Started;
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};

use crate::support::{LAUNCH, START, assert_done};

/// Goes through the popup and asserts that the signup is refused with these words.
async fn assert_refused(visit: &Visit, choice: Choice, words: &str) -> Started {
    assert_refused_with(visit, Value::Null, choice, words).await
}

/// The same with further members in the onboarding's body.
async fn assert_refused_with(visit: &Visit, more: Value, choice: Choice, words: &str) -> Started {
    let started = visit.open_with("tenant-1", more).await;
    visit.sign_up(LAUNCH, choice).await;
    visit.is_told(words).await;
    visit.sees_heading(START).await;
    let record = visit.stack.record(&started).await;
    assert_eq!((&record["status"], &record["signup"]), (&json!("started"), &json!(null)), "{record:#}");
    started
}

#[tokio::test]
async fn an_account_without_a_number_is_refused_and_another_is_taken() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("422 (Unprocessable");
        let words = "The WhatsApp account that you chose has no phone number yet.";
        let started = assert_refused(visit, FINISH.by("no_number"), words).await;
        visit.inspect("no-number").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

/// API Gateway says so without a `code`, and we may be ill for a moment.
#[tokio::test]
async fn a_code_that_the_api_cannot_take_yet_is_sent_again() {
    const TURNED_AWAY: &str = "
        const call = window.fetch;
        const answers = [[429, { message: 'Too Many Requests' }], [503, { code: 'unavailable' }]];
        window.fetch = (url, options) => {
          const answer = options?.body?.includes('\"code\"') && answers.shift();
          return answer ? Promise.resolve(Response.json(answer[1], { status: answer[0] })) : call(url, options);
        };
    ";
    visit(Plan::default(), async |visit| {
        visit.browser.before_load(TURNED_AWAY).await;
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
        let record = visit.stack.record(&started).await;
        assert_eq!(record["attempts_count"], 0, "the first code was lost");
    })
    .await;
}

#[tokio::test]
async fn another_customers_account_is_refused() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("422 (Unprocessable");
        assert_refused(visit, FINISH.by("other_customer"), "Meta did not confirm this sign-up").await;
    })
    .await;
}

#[tokio::test]
async fn a_number_that_is_being_connected_already_is_refused() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("409 (Conflict)");
        let first = visit.start("tenant-0", json!(null)).await;
        visit.stack.signed_up(&first, "one_number").await;
        assert_refused(visit, FINISH, "This number is already being connected through another link.").await;
    })
    .await;
}

#[tokio::test]
async fn another_number_than_the_agreed_one_is_refused() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("422 (Unprocessable");
        let expected = json!({ "expected_phone_number": "+49 30 901820143" });
        let words = "This is not the number that Funkturm CRM expects";
        let started = assert_refused_with(visit, expected, FINISH, words).await;
        visit.inspect("number-not-expected").await;
        visit.control(LAUNCH).await;
        let record = visit.stack.record(&started).await;
        assert!(record["attempts"].to_string().contains("number_not_expected"), "{record:#}");
    })
    .await;
}

#[tokio::test]
async fn another_portfolio_than_the_agreed_one_is_refused_and_the_agreed_one_is_taken() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("422 (Unprocessable");
        let agreed = visit.stack.client.popup("one_number:2", "finish").await.unwrap();
        let expected = json!({ "expected_business_id": agreed["session"]["data"]["business_id"] });
        let words = "This is not the business portfolio that Funkturm CRM expects";
        let started = assert_refused_with(visit, expected, FINISH, words).await;
        visit.inspect("business-not-expected").await;
        visit.sign_up(LAUNCH, FINISH.by("one_number:2")).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_failed_onboarding_names_a_reference_and_ends_well_after_a_retry() {
    visit(Plan::default(), async |visit| {
        visit.stack.fault(json!({ "route": "numbers", "status": 400 })).await;
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH).await;
        visit.stack.fails(&started, "number_refused").await;
        visit.sees_heading("Your number could not be connected").await;
        visit.sees("360dialog could not take over your number.").await;
        visit.sees(&started.id).await;
        let support = format!("mailto:support@partner.example?subject={}", started.id);
        assert_eq!(visit.target("Get help").await, support);
        let record = visit.stack.record(&started).await;
        assert_eq!((&record["status"], &record["problem"]["step"]), (&json!("failed"), &json!("number_submission")));
        visit.inspect("problem").await;

        let retry = format!("/v1/onboardings/{}/retry", started.id);
        visit.stack.client.post(&retry, BACKEND_TOKEN, &json!({})).await.unwrap().succeeded().unwrap();
        visit.stack.reaches(&started, "ready").await;
        visit.reload().await;
        visit.sees_heading("Your number is connected").await;
    })
    .await;
}
