//! What Meta's popup tells the page: its message events and the SDK's callbacks, late, repeated or from two popups.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use local::client::Started;
use serde_json::json;

use crate::support::{FULL_PAGE, LAUNCH, START, assert_done};

/// A page whose popups the test plays: `answers` holds the SDK's callback of each, and `posted` what the page tells the API.
const PLAYED: &str = "
    window.answers = [];
    window.posted = [];
    window.play = () => {
        window.open = () => ({ closed: false });
        FB.login = (answer) => { window.open(); answers.push(answer); };
    };
    window.tell = (event, data) => dispatchEvent(new MessageEvent('message', {
        origin: 'https://www.facebook.com',
        data: `{\"type\": \"WA_EMBEDDED_SIGNUP\", \"event\": \"${event}\", \"data\": ${data}}`,
    }));
    const call = window.fetch;
    window.fetch = (url, options) => {
        if (!options?.body || !`${url}`.endsWith('/es-callback')) return call(url, options);
        const body = JSON.parse(options.body);
        posted.push({ keepalive: options.keepalive, ...body });
        // A finish without its code is a hint, and answered with the view.
        const hint = !body.code && body.session.event.startsWith('FINISH');
        return hint ? call(url.href.replace('/es-callback', ''), { headers: options.headers }) : call(url, options);
    };
";

/// Opens a page whose popups the test plays, once it can open them.
async fn open(visit: &Visit) -> Started {
    visit.browser.before_load(PLAYED).await;
    let started = visit.open("tenant-1").await;
    let ready = async || {
        let script = "return typeof FB === 'object' && Boolean(play() ?? true)";
        visit.browser.evaluate(script, vec![]).await.as_bool().filter(|ready| *ready).map(drop)
    };
    visit.browser.wait("Meta's SDK", ready).await;
    started
}

/// Presses the button, and waits for the popup.
async fn launch(visit: &Visit, popups: u64) {
    visit.press(LAUNCH).await;
    let opened = async || (visit.evaluate("return answers.length", vec![]).await == popups).then_some(());
    visit.browser.wait("the popup", opened).await;
}

/// The SDK's callback of a popup, with or without a code.
async fn answer(visit: &Visit, popup: u64, code: Option<&str>) {
    let script = "answers[arguments[0]](arguments[1] ? { authResponse: { code: arguments[1] } } : {})";
    visit.evaluate(script, vec![popup.into(), code.into()]).await;
}

async fn code_of(visit: &Visit, account: &str) -> String {
    let popup = visit.stack.client.popup(account, "finish").await.unwrap();
    popup["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_finished_signup_is_told_at_once_and_again_with_its_code() {
    visit(Plan::default(), async |visit| {
        let started = open(visit).await;
        launch(visit, 1).await;
        let popup = visit.stack.client.popup("one_number", "finish").await.unwrap();
        let data = popup["session"]["data"].to_string();
        visit.evaluate("tell('FINISH', arguments[0])", vec![data.into()]).await;
        visit.sees_step("Sign-up at Meta").await;
        let posted = visit.evaluate("return posted", vec![]).await;
        assert_eq!(posted[1], json!({ "keepalive": true, "session": popup["session"] }));
        assert!(!visit.text().await.contains("You may close this page."), "the code has not come yet");
        answer(visit, 0, popup["code"].as_str()).await;
        assert_done(visit, &started).await;
        assert_eq!(visit.evaluate("return posted", vec![]).await[2]["session"], popup["session"]);
    })
    .await;
}

#[tokio::test]
async fn a_code_counts_from_whichever_popup_it_comes() {
    visit(Plan::default(), async |visit| {
        let started = open(visit).await;
        launch(visit, 1).await;
        launch(visit, 2).await;
        let popup = visit.stack.client.popup("one_number", "finish").await.unwrap();
        visit.evaluate("tell('FINISH', arguments[0])", vec![popup["session"]["data"].to_string().into()]).await;
        answer(visit, 0, popup["code"].as_str()).await;
        // The other popup is closed.
        answer(visit, 1, None).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn an_old_code_that_the_sdk_repeats_is_none() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("422 (Unprocessable");
        let started = open(visit).await;
        let old = code_of(visit, "no_number").await;
        launch(visit, 1).await;
        answer(visit, 0, Some(&old)).await;
        visit.is_told("has no phone number yet").await;
        launch(visit, 2).await;
        answer(visit, 1, Some(&old)).await;
        visit.is_told("Meta’s window was closed before the sign-up was finished.").await;
        visit.sees_heading(START).await;
        let posted = visit.evaluate("return posted.filter(({ code }) => code).length", vec![]).await;
        assert_eq!(posted, 1, "the old code was handed over again");
        launch(visit, 3).await;
        answer(visit, 2, Some(&code_of(visit, "one_number").await)).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn ids_that_meta_sends_as_numbers_keep_their_digits() {
    visit(Plan::default(), async |visit| {
        open(visit).await;
        launch(visit, 1).await;
        let data = r#"{"waba_id": 10203040506070809, "phone_number_id":9007199254740993, "note": "a: 10203040506070809, \"b\"", "all": [1, -2.5e3]}"#;
        visit.evaluate("tell('FINISH', arguments[0])", vec![data.into()]).await;
        visit.sees_step("Sign-up at Meta").await;
        let told = visit.evaluate("return posted[1].session.data", vec![]).await;
        let expected = json!({
            "waba_id": "10203040506070809",
            "phone_number_id": "9007199254740993",
            "note": "a: 10203040506070809, \"b\"",
            "all": ["1", -2500],
        });
        assert_eq!(told, expected);
    })
    .await;
}

#[tokio::test]
async fn a_finish_whose_data_is_no_object_is_told_without_it() {
    visit(Plan::default(), async |visit| {
        open(visit).await;
        launch(visit, 1).await;
        visit.evaluate("tell('CANCEL', '[]')", vec![]).await;
        visit.is_told("You left Meta’s window before the end.").await;
        assert_eq!(
            visit.evaluate("return posted[1]", vec![]).await["session"],
            json!({ "event": "CANCEL", "data": {} })
        );
    })
    .await;
}

#[tokio::test]
async fn a_browser_without_the_newest_interfaces_signs_up() {
    visit(Plan::default(), async |visit| {
        // What Safari 14 lacks of what pages like to use.
        let old = "
            delete AbortSignal.timeout;
            delete AbortSignal.any;
            delete Object.hasOwn;
            delete Array.prototype.at;
            delete Array.prototype.findLast;
            delete Crypto.prototype.randomUUID;
            delete window.structuredClone;
            const add = EventTarget.prototype.addEventListener;
            EventTarget.prototype.addEventListener = function (type, act) { add.call(this, type, act); };
        ";
        visit.browser.before_load(old).await;
        let started = open(visit).await;
        // The driver's own scripts need some of that to find a button.
        visit.evaluate("document.getElementById('launch').click()", vec![]).await;
        answer(visit, 0, Some(&code_of(visit, "one_number").await)).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_signup_without_a_code_goes_on_by_the_full_page() {
    visit(Plan::default(), async |visit| {
        let started = open(visit).await;
        launch(visit, 1).await;
        visit.evaluate("tell('FINISH', '{}')", vec![]).await;
        answer(visit, 0, None).await;
        visit.is_told("Meta’s window was closed without handing over your sign-up.").await;
        assert_eq!(visit.stack.record(&started).await["status"], "started");
        assert!(visit.offers(FULL_PAGE).await);
        visit.inspect("code-missing").await;
        visit.sign_up_on_full_page(FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}
