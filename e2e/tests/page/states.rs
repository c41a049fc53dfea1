//! States that only the back end can bring about: the API's real answers, with members that a test adds.

use e2e::popup::FINISH;
use e2e::visit::{Plan, visit};
use serde_json::{Value, json};

use crate::support::{BACK, LAUNCH, START, assert_done};

/// Lets the API's answers of one onboarding say more, by a function `more(view)` that lives on over reloads.
fn saying(more: &str) -> String {
    format!(
        "
        const call = window.fetch;
        const more = {more};
        window.fetch = async (...given) => {{
            const answer = await call(...given);
            if (!`${{given[0]}}`.includes('/onboardings/') || !answer.ok) return answer;
            const view = await answer.json();
            return Response.json({{ ...view, ...more(view) }});
        }};
        "
    )
}

#[tokio::test]
async fn a_returning_customer_who_has_finished_is_told_that_one_click_completes_it() {
    visit(Plan::default(), async |visit| {
        visit.browser.before_load(&saying("(view) => ({ one_more_click: view.status === 'started' })")).await;
        let started = visit.open("tenant-1").await;
        visit.is_told("You have already finished at Meta. One more click completes it").await;
        visit.inspect("one-more-click").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_signup_that_meta_confirms_late_is_waited_for() {
    visit(Plan { by_hand: true, ..Plan::default() }, async |visit| {
        let late = "(view) => view.status === 'signed_up' && !sessionStorage.proven ? { status: 'confirming' } : {}";
        visit.browser.before_load(&saying(late)).await;
        visit.open_with("tenant-1", json!({ "success_url": "https://partner.example/welcome" })).await;
        visit.sign_up(LAUNCH, FINISH).await;
        visit.is_told("Meta is still confirming your sign-up.").await;
        assert!(!visit.offers(BACK).await, "the success of a sign-up that Meta has not confirmed");
        visit.sees("You may close this page.").await;
        assert_eq!(visit.step().await, "Sign-up at Meta");
        visit.inspect("confirming").await;
        visit.reload().await;
        visit.sees("Meta is still confirming your sign-up.").await;
        visit.evaluate("sessionStorage.proven = 'yes'", vec![]).await;
        visit.sees_step("Handover to 360dialog").await;
        visit.control(BACK).await;
        assert!(!visit.text().await.contains("still confirming"));
    })
    .await;
}

#[tokio::test]
async fn a_signup_that_meta_does_not_confirm_in_the_end_is_told() {
    visit(Plan::default(), async |visit| {
        let waits = "() => sessionStorage.refused ? {} : { status: 'confirming' }";
        visit.browser.before_load(&saying(waits)).await;
        visit.open("tenant-1").await;
        visit.sees("Meta is still confirming your sign-up.").await;
        visit.evaluate("sessionStorage.refused = 'yes'", vec![]).await;
        visit.is_told("Meta did not confirm this sign-up").await;
        visit.sees_heading(START).await;
    })
    .await;
}

#[tokio::test]
async fn the_account_that_a_number_is_connected_to_is_named_from_start_to_end() {
    const ACCOUNT: &str = "<b>Nordlicht</b> & Söhne";
    visit(Plan::default(), async |visit| {
        let named = format!("(view) => ({{ client: {{ name: {} }} }})", Value::from(ACCOUNT));
        visit.browser.before_load(&saying(&named)).await;
        let started = visit.open("tenant-1").await;
        let named = format!("Your number will be connected to this account:\n{ACCOUNT}");
        visit.sees(&named).await;
        visit.inspect("account").await;
        visit.sign_up(LAUNCH, FINISH.by("several_numbers")).await;
        visit.sees_heading("Which number do you want to connect?").await;
        visit.sees(&named).await;
        let record = visit.stack.record(&started).await;
        visit.choose(record["numbers"][0]["display_phone_number"].as_str().unwrap()).await;
        visit.press("Connect this number").await;
        assert_done(visit, &started).await;
        visit.sees(&format!("Account\n{ACCOUNT}")).await;
        visit.inspect("done-account").await;
    })
    .await;
}

#[tokio::test]
async fn numbers_of_several_whatsapp_accounts_are_told_apart() {
    visit(Plan::default(), async |visit| {
        let two =
            "(view) => ({ numbers: view.numbers.map((number, index) => ({ ...number, waba_name: `Shop ${index}` })) })";
        visit.browser.before_load(&saying(two)).await;
        visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH.by("several_numbers")).await;
        visit.sees_heading("Which number do you want to connect?").await;
        for shop in ["Shop 0", "Shop 1", "Shop 2"] {
            visit.sees(shop).await;
        }
        visit.inspect("choice-of-accounts").await;
    })
    .await;
}
