//! How the page loads, in which language it speaks, and whether it can be used without a mouse.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::common::{LAUNCH, START, assert_done};

/// At most, in bytes over the wire, with headers and without Meta's SDK.
const WEIGHT: u64 = 40_000;

#[tokio::test]
async fn the_page_is_light() {
    visit(Plan::default(), async |visit| {
        visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        let traffic = visit.traffic().await;
        let ours = traffic.to(&format!("{}/signup", visit.world.stack.url));
        let weights: Vec<_> = ours.iter().map(|request| (request.bytes.unwrap(), request.url.as_str())).collect();
        let total: u64 = weights.iter().map(|(bytes, _)| bytes).sum();
        println!("the page weighs {total} bytes in {} requests", weights.len());
        assert!(total <= WEIGHT, "{total} bytes: {weights:#?}");
    })
    .await;
}

#[tokio::test]
async fn the_page_can_be_read_and_used_before_the_api_answers() {
    visit(Plan::default(), async |visit| {
        let hold = "
            const call = window.fetch;
            const held = [];
            let open = false;
            window.fetch = (...given) => open || !`${given[0]}`.includes('/onboardings/')
                ? call(...given) : new Promise((go) => held.push(() => go(call(...given))));
            window.letGo = () => { open = true; held.splice(0).forEach((go) => go()); };
        ";
        visit.browser.before_load(hold).await;
        let jumps = "
            window.jumps = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
                if (!entry.hadRecentInput) jumps += entry.value;
            })).observe({ type: 'layout-shift', buffered: true });
        ";
        visit.browser.before_load(jumps).await;
        let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true });
        visit.browser.cdp("Emulation.setDeviceMetricsOverride", phone).await;
        let started = visit.open("tenant-1").await;
        visit.sees_heading(START).await;
        visit.sees("What you need").await;
        visit.press(LAUNCH).await;
        visit.is_told("One moment, Meta’s window is being prepared.").await;
        visit.inspect("preparing").await;
        visit.browser.evaluate("letGo()", vec![]).await;
        visit.is_told("Meta’s window is").await;
        let jumps = visit.browser.evaluate("return jumps", vec![]).await;
        assert!(jumps.as_f64() < Some(0.01), "the layout jumps by {jumps}");
        assert_eq!(visit.world.record(&started).await["status"], "started");
    })
    .await;
}

#[tokio::test]
async fn nothing_jumps_while_the_page_loads() {
    visit(Plan::default(), async |visit| {
        visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        let script = "
            const [done] = arguments;
            new PerformanceObserver((list) => done(list.getEntries().reduce((sum, { value }) => sum + value, 0)))
                .observe({ type: 'layout-shift', buffered: true });
            setTimeout(done, 100, 0);
        ";
        let jumps = visit.browser.client.execute_async(script, vec![]).await.unwrap();
        assert!(jumps.as_f64() < Some(0.01), "the layout jumps by {jumps}");
    })
    .await;
}

/// The file of a language.
fn texts(language: &str) -> Value {
    let path = format!("{}/../signup/texts/{language}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Waits for the start in a language.
async fn assert_speaks(visit: &Visit, language: &str) {
    let texts = texts(language);
    visit.sees_heading(texts["start"]["title"].as_str().unwrap()).await;
    visit.control(texts["start"]["launch"].as_str().unwrap()).await;
    assert_eq!(visit.browser.evaluate("return document.documentElement.lang", vec![]).await, language);
}

#[tokio::test]
async fn the_locale_chooses_the_language() {
    visit(Plan::default(), async |visit| {
        for (locale, language) in [("de", "de"), ("es-MX", "es"), ("pt-BR", "pt"), ("en", "en"), ("fr", "en")] {
            visit.open_with(&format!("tenant-{locale}"), json!({ "locale": locale })).await;
            assert_speaks(visit, language).await;
            if language != "en" {
                visit.inspect(&format!("start-{language}")).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_locale_the_browser_chooses_the_language() {
    visit(Plan { language: "pt-BR", ..Plan::default() }, async |visit| {
        visit.open("tenant-1").await;
        assert_speaks(visit, "pt").await;
        visit.open_with("tenant-2", json!({ "locale": "fr" })).await;
        assert_speaks(visit, "pt").await;
        visit.open_with("tenant-3", json!({ "locale": "de" })).await;
        assert_speaks(visit, "de").await;
    })
    .await;
}

#[tokio::test]
async fn the_whole_way_can_be_gone_by_keyboard() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        visit.key(Key::Tab).await;
        assert_eq!(visit.focus().await, LAUNCH);
        visit.key(Key::Enter).await;
        visit.fill_in_popup(FINISH.by("several_numbers")).await;
        let title = "Which number do you want to connect?";
        visit.sees_heading(title).await;
        assert_eq!(visit.focus().await, title);
        visit.key(Key::Tab).await;
        visit.key(Key::Down).await;
        visit.key(Key::Tab).await;
        assert_eq!(visit.focus().await, "Connect this number");
        visit.key(Key::Enter).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_partners_bright_colour_can_still_be_read() {
    let variables = vec![("PARTNER_COLOUR".to_owned(), "#ffd400".to_owned())];
    visit(Plan { variables, ..Plan::default() }, async |visit| {
        visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        visit.inspect("start-bright").await;
    })
    .await;
}
