//! Signups that end well.

use e2e::popup::FINISH;
use e2e::visit::{Plan, visit};
use serde_json::json;

use crate::support::{BACK, LAUNCH, START, assert_clean_address, assert_done};

#[tokio::test]
async fn a_customer_who_finishes_sees_the_number_connected() {
    visit(Plan::default(), async |visit| {
        let started = visit.open_with("tenant-1", json!({ "return_url": "https://partner.example/settings" })).await;
        visit.sees_heading(START).await;
        assert_clean_address(visit).await;
        visit.control(LAUNCH).await;
        visit.inspect("start").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
        assert_eq!(visit.target(BACK).await, "https://partner.example/settings");
        visit.inspect("done").await;
    })
    .await;
}

#[tokio::test]
async fn a_signup_finishes_when_the_code_comes_before_the_message_event() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.code_first()).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_signup_finishes_when_the_message_event_never_comes() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.ending("finish_without_session")).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_with_several_numbers_chooses_one() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.by("several_numbers")).await;
        visit.sees_heading("Which number do you want to connect?").await;
        let record = visit.stack.record(&started).await;
        assert_eq!(record["status"], "number_choice");
        assert_eq!(record["numbers"].as_array().unwrap().len(), 3);
        visit.inspect("choice").await;

        // Without a choice nothing happens.
        visit.press("Connect this number").await;
        assert_eq!(visit.stack.record(&started).await["status"], "number_choice");
        visit.choose(record["numbers"][1]["display_phone_number"].as_str().unwrap()).await;
        visit.press("Connect this number").await;
        let done = assert_done(visit, &started).await;
        for member in ["id", "display_phone_number", "verified_name"] {
            assert_eq!(done["signup"]["number"][member], record["numbers"][1][member]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_number_that_stays_in_the_whatsapp_business_app_is_connected() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.by("coexistence")).await;
        let record = assert_done(visit, &started).await;
        assert_eq!(record["signup"]["coexistence"], true);
    })
    .await;
}

#[tokio::test]
async fn a_customer_with_one_number_is_not_asked_to_choose() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.ending("finish_only_waba")).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_popup_that_only_grants_access_to_the_app_is_enough() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.ending("app_only")).await;
        assert_done(visit, &started).await;
    })
    .await;
}
