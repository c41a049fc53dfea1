//! Setup links: missing, broken, expired, replaced, taken back, several in one browser.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use local::client::Started;
use serde_json::json;
use time::Duration;

use crate::support::{DONE, LAUNCH, START, assert_clean_address, assert_done};

const EXPIRED: &str = "This link has expired";
const REPLACED: &str = "This link has been replaced";
const RENEW: &str = "Ask for a new link";
/// Where this partner's customers ask for a new link.
const RENEW_URL: &str = "https://partner.example/renew";

/// Asserts that a customer is led to where they get a new link, with the onboarding in the query and nothing else.
async fn assert_renewable(visit: &Visit, started: &Started) {
    assert_eq!(visit.target(RENEW).await, format!("{RENEW_URL}?onboarding={}", started.id));
}

/// Waits until the API has heard of what the popup told, so that it knows of the popup.
async fn api_has_heard(visit: &Visit, started: &Started) {
    let callback = format!("{}/onboardings/{}/es-callback", visit.stack.local.url, started.id);
    let heard = async || {
        let traffic = visit.traffic().await;
        traffic.to(&callback).iter().any(|request| request.bytes.is_some()).then_some(())
    };
    visit.browser.wait("the API to hear of the popup", heard).await;
}

#[tokio::test]
async fn the_page_without_a_setup_link_asks_to_open_it() {
    visit(Plan::default(), async |visit| {
        visit.go(&format!("{}/signup", visit.stack.local.url)).await;
        visit.sees_heading("Please open your setup link").await;
        visit.inspect("missing").await;
    })
    .await;
}

#[tokio::test]
async fn a_truncated_or_changed_setup_link_is_explained() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("404 (Not Found)");
        let started = visit.start("tenant-1", json!(null)).await;
        let title = "This link does not work";
        visit
            .go(started.setup_url.split_once('.').map(|_| started.setup_url.rsplit_once('.').unwrap().0).unwrap())
            .await;
        visit.sees_heading(title).await;
        assert_clean_address(visit).await;
        visit.inspect("invalid").await;
        let changed: String = started.token().chars().rev().collect();
        visit.go(&started.setup_url.replace(started.token(), &changed)).await;
        visit.sees_heading(title).await;
        assert_clean_address(visit).await;
        visit.go(&started.setup_url).await;
        visit.sees_heading(START).await;
    })
    .await;
}

#[tokio::test]
async fn a_setup_link_changed_by_a_mail_gateway_opens_the_page() {
    visit(Plan::default(), async |visit| {
        let page = format!("{}/signup", visit.stack.local.url);
        for (number, changed) in ["signup%23", "signup%2523", "signup/%23", "signup/#"].into_iter().enumerate() {
            // Whoever changed the link has put its token into an address, so nobody watches for it there.
            let started = visit.stack.onboarding(&format!("tenant-{number}"), json!(null)).await;
            visit.go(&started.setup_url.replace("signup#", changed)).await;
            visit.sees_heading(START).await;
            assert_eq!(visit.address().await, page, "{changed}");
            visit.reload().await;
            visit.control(LAUNCH).await;
            assert_eq!(visit.address().await, page, "{changed}");
            let kept = visit.evaluate("return JSON.parse(sessionStorage.setup).id", vec![]).await;
            assert_eq!(kept, started.id);
        }
        visit.go(&format!("{page}%23onb_1")).await;
        visit.sees_heading("This link does not work").await;
    })
    .await;
}

#[tokio::test]
async fn an_unknown_address_asks_for_the_setup_link() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("404 (Not Found)");
        for path in ["/nothing", "/signup/nothing", "/signup/a/b/"] {
            visit.go(&format!("{}{path}", visit.stack.local.url)).await;
            visit.sees_heading("Please open your setup link").await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_speaks_the_language_that_fits_a_locale_best() {
    visit(Plan::default(), async |visit| {
        for (locale, heading) in [
            ("es-419", "Conecte su número de WhatsApp"),
            ("pt-br", "Conecte seu número do WhatsApp"),
            ("de-Latn-AT", "Ihre WhatsApp-Nummer verbinden"),
            // English is this browser's.
            ("zh-Hant", START),
        ] {
            visit.open_with("tenant-1", json!({ "locale": locale })).await;
            visit.sees_heading(heading).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_expired_setup_link_is_explained() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("410 (Gone)");
        let started = visit.start("tenant-1", json!(null)).await;
        visit.stack.pass(Duration::days(8));
        visit.go(&started.setup_url).await;
        visit.sees_heading(EXPIRED).await;
        visit.control("Get help").await;
        assert!(!visit.offers(RENEW).await, "a button that leads nowhere");
        visit.inspect("expired").await;
    })
    .await;
}

#[tokio::test]
async fn an_expired_setup_link_leads_to_where_the_partner_gives_new_ones() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("410 (Gone)");
        let started = visit.start("tenant-1", json!({ "renew_url": RENEW_URL })).await;
        visit.stack.pass(Duration::days(8));
        visit.go(&started.setup_url).await;
        visit.sees_heading(EXPIRED).await;
        assert_renewable(visit, &started).await;
        visit.control("Get help").await;
        visit.inspect("expired-renewable").await;
    })
    .await;
}

#[tokio::test]
async fn a_button_for_a_new_link_leads_to_no_script_and_no_open_connection() {
    visit(Plan::default(), async |visit| {
        let started = visit.start("tenant-1", json!(null)).await;
        for (url, offered) in [
            ("javascript:document.title='run'", false),
            ("data:text/html,run", false),
            ("http://partner.example/renew", false),
            ("http://localhost:80@partner.example/renew", false),
            ("http://localhost.partner.example/renew", false),
            ("/renew", false),
            ("http://localhost:8080/renew", true),
            ("http://127.0.0.1:8080/renew", true),
            ("https://partner.example/renew", true),
        ] {
            let problem = json!({ "status": 410, "code": "link_expired", "renew_url": url });
            let gone = format!(
                "{{
                    const call = window.fetch;
                    window.fetch = (...given) => `${{given[0]}}`.includes('/onboardings/')
                        ? Promise.resolve(Response.json({problem}, {{ status: 410 }})) : call(...given);
                }}"
            );
            visit.browser.before_load(&gone).await;
            visit.go("about:blank").await;
            visit.go(&started.setup_url).await;
            visit.sees_heading(EXPIRED).await;
            assert_eq!(visit.offers(RENEW).await, offered, "{url}");
            if offered {
                assert_eq!(visit.target(RENEW).await, url);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_replaced_setup_link_asks_for_the_newest() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("410 (Gone)");
        let started = visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        let renewed = visit.renew(&started).await;
        visit.reload().await;
        visit.sees_heading(REPLACED).await;
        visit.sees("Please open the newest one").await;
        assert!(!visit.offers(RENEW).await, "a button that leads nowhere");
        visit.inspect("replaced").await;
        visit.go(&renewed.setup_url).await;
        visit.sees_heading(START).await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &renewed).await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_starts_with_a_replaced_setup_link_is_told_at_once() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("410 (Gone)");
        let started = visit.open_with("tenant-1", json!({ "renew_url": RENEW_URL })).await;
        visit.control(LAUNCH).await;
        visit.renew(&started).await;
        let told = async || {
            visit.press(LAUNCH).await;
            visit.sees_heading(REPLACED).await;
            assert_eq!(visit.focus().await, REPLACED);
            assert_renewable(visit, &started).await;
        };
        visit.in_popup(told, async || visit.browser.client.close_window().await.unwrap()).await;
        visit.sees_heading(REPLACED).await;
    })
    .await;
}

#[tokio::test]
async fn a_signup_that_was_finished_with_a_replaced_setup_link_goes_on() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("410 (Gone)");
        let started = visit.open("tenant-1").await;
        let open = async || {
            visit.press(LAUNCH).await;
            api_has_heard(visit, &started).await;
        };
        let mut renewed = None;
        let finish = async || {
            renewed = Some(visit.renew(&started).await);
            visit.fill_in(FINISH).await;
        };
        visit.in_popup(open, finish).await;
        visit.sees_heading(REPLACED).await;
        visit.sees("If you have just finished the sign-up, it goes on.").await;
        assert_eq!(visit.focus().await, REPLACED);
        visit.stack.assert_promise_kept(&started).await;
        visit.go(&renewed.unwrap().setup_url).await;
        visit.sees_heading(DONE).await;
    })
    .await;
}

#[tokio::test]
async fn a_setup_link_that_the_partner_took_back_is_explained() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("410 (Gone)");
        let started = visit.open_with("tenant-1", json!({ "renew_url": RENEW_URL })).await;
        visit.control(LAUNCH).await;
        visit.stack.client.revoke_link(&started.id).await.unwrap();
        visit.reload().await;
        visit.sees_heading("This link is no longer valid").await;
        visit.sees("Funkturm CRM has withdrawn this link.").await;
        assert!(!visit.offers(RENEW).await, "the way to a link that the partner does not want");
        visit.inspect("revoked").await;
    })
    .await;
}

#[tokio::test]
async fn a_setup_link_that_expires_while_the_page_is_open_is_explained() {
    visit(Plan::default(), async |visit| {
        visit.expect_error("410 (Gone)");
        let started = visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        visit.stack.pass(Duration::days(8));
        visit.sign_up(LAUNCH, FINISH).await;
        visit.sees_heading(EXPIRED).await;
        assert_eq!(visit.stack.record(&started).await["signup"], json!(null));
    })
    .await;
}

#[tokio::test]
async fn two_setup_links_in_two_tabs_do_not_mix() {
    visit(Plan::default(), async |visit| {
        let client = &visit.browser.client;
        let first = visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        let first_tab = client.window().await.unwrap();
        let second_tab = client.new_window(true).await.unwrap().handle;
        client.switch_to_window(second_tab).await.unwrap();
        let second = visit.open("tenant-2").await;
        visit.sign_up(LAUNCH, FINISH.by("one_number:2")).await;
        let second_record = assert_done(visit, &second).await;
        assert_eq!(visit.stack.record(&first).await["status"], "started");

        client.switch_to_window(first_tab).await.unwrap();
        visit.sign_up(LAUNCH, FINISH.by("one_number:1")).await;
        let first_record = assert_done(visit, &first).await;
        assert_ne!(first_record["signup"]["number"], second_record["signup"]["number"]);
    })
    .await;
}

#[tokio::test]
async fn a_second_setup_link_in_the_same_tab_takes_over() {
    visit(Plan::default(), async |visit| {
        let first = visit.open("tenant-1").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &first).await;
        let second = visit.open("tenant-2").await;
        visit.sees_heading(START).await;
        assert_clean_address(visit).await;
        visit.sign_up(LAUNCH, FINISH.by("one_number:2")).await;
        let record = assert_done(visit, &second).await;
        assert_eq!(record["reference"], "tenant-2");
        visit.go(&first.setup_url).await;
        visit.sees_heading(DONE).await;
    })
    .await;
}
