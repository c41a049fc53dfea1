//! Customers who leave Meta's popup before its end.

use e2e::popup::FINISH;
use e2e::visit::{Plan, visit};

use crate::support::{LAUNCH, assert_done, assert_left};

#[tokio::test]
async fn a_customer_who_cancels_the_popup_may_try_again() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.ending("cancel")).await;
        visit.is_told("You left Meta’s window before the end.").await;
        visit.is_told("The number must be able to take a text message or a call.").await;
        let attempt = assert_left(visit, &started, "CANCEL").await;
        assert_eq!(attempt["current_step"], "PHONE_NUMBER_SETUP");
        visit.inspect("left").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn an_error_at_meta_is_shown_in_metas_words() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.ending("error")).await;
        visit.is_told("Something went wrong at Meta. Nothing has been connected.").await;
        visit.is_told("Something went wrong – 524999").await;
        let attempt = assert_left(visit, &started, "ERROR").await;
        assert_eq!(attempt["error_code"], "524999");
        assert!(attempt["session_id"].is_string(), "{attempt}");
        visit.inspect("error").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn an_error_reported_by_the_customer_is_shown_in_metas_words() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.ending("report_error")).await;
        visit.is_told("Meta could not go on, and you reported the error.").await;
        visit.is_told("Your verified name violates WhatsApp guidelines.").await;
        let attempt = assert_left(visit, &started, "CANCEL").await;
        assert_eq!(attempt["error_code"], "524126");
        visit.inspect("reported").await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_closes_the_popup_may_try_again() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.close_popup(LAUNCH).await;
        visit.is_told("Meta’s window was closed before the sign-up was finished.").await;
        assert_left(visit, &started, "CLOSED").await;
        visit.inspect("closed").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn messages_of_other_origins_than_metas_are_ignored() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        let client = &visit.browser.client;
        let page = client.window().await.unwrap();
        let pretend = async || {
            let popup = client.window().await.unwrap();
            client.switch_to_window(page.clone()).await.unwrap();
            let script = "
                const data = JSON.stringify({ type: 'WA_EMBEDDED_SIGNUP', event: 'ERROR', data: { error_message: 'pretended' } });
                for (const origin of ['https://evilfacebook.com', 'https://facebook.com.example', 'http://www.facebook.com', 'null', '']) {
                    dispatchEvent(new MessageEvent('message', { data, origin }));
                }
                for (const data of ['{', '[]', 'null', { type: 'WA_EMBEDDED_SIGNUP' }]) {
                    dispatchEvent(new MessageEvent('message', { data, origin: 'https://www.facebook.com' }));
                }
            ";
            visit.browser.evaluate(script, vec![]).await;
            client.switch_to_window(popup).await.unwrap();
            visit.fill_in(FINISH.ending("cancel")).await;
        };
        visit.in_popup(async || visit.press(LAUNCH).await, pretend).await;
        visit.is_told("You left Meta’s window").await;
        assert_left(visit, &started, "CANCEL").await;
        assert!(!visit.text().await.contains("pretended"));
    })
    .await;
}
