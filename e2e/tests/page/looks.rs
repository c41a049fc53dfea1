//! How the page loads, in which language it speaks, and whether it can be used without a mouse.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use fantoccini::key::Key;
use local::client::Started;
use serde_json::{Value, json};

use crate::support::{LAUNCH, START, assert_done};

/// At most, in bytes over the wire, with headers and without Meta's SDK.
const WEIGHT: u64 = 40_000;

#[tokio::test]
async fn the_page_stays_below_its_weight() {
    visit(Plan::default(), async |visit| {
        visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        let page = format!("{}/signup", visit.stack.local.url);
        let files = visit
            .browser
            .wait("all of the page's files", async || {
                let traffic = visit.traffic().await;
                let ours = traffic.to(&page).into_iter();
                ours.map(|request| Some((request.url.clone(), request.bytes?))).collect::<Option<Vec<_>>>()
            })
            .await;
        let total: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        println!("the page weighs {total} bytes in {} files", files.len());
        assert!(files.len() > 5 && total <= WEIGHT, "{total} bytes: {files:#?}");
    })
    .await;
}

/// Holds calls of the API until `letGo()`.
const HOLD: &str = "
    const call = window.fetch;
    const held = [];
    let open = false;
    window.fetch = (...given) => open || !`${given[0]}`.includes('/onboardings/')
        ? call(...given) : new Promise((go) => held.push(() => go(call(...given))));
    window.letGo = () => { open = true; held.splice(0).forEach((go) => go()); };
";

async fn let_go(visit: &Visit) {
    visit.browser.evaluate("letGo()", vec![]).await;
}

/// Opens a page that can be read, and used, although the API has not answered.
async fn open_held(visit: &Visit) -> Started {
    visit.browser.before_load(HOLD).await;
    let started = visit.open("tenant-1").await;
    visit.sees_heading(START).await;
    visit.sees("What you need").await;
    started
}

#[tokio::test]
async fn a_button_pressed_before_the_api_answers_opens_the_popup_once_it_answers() {
    visit(Plan::default(), async |visit| {
        let started = open_held(visit).await;
        visit.press(LAUNCH).await;
        visit.is_told("One moment, Meta’s window is being prepared.").await;
        visit.in_popup(async || let_go(visit).await, async || visit.fill_in(FINISH).await).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_button_pressed_too_long_before_the_api_answers_must_be_pressed_again() {
    visit(Plan::default(), async |visit| {
        // As after five seconds, when a browser would block the popup.
        let late = "Object.defineProperty(navigator, 'userActivation', { value: { isActive: false } })";
        visit.browser.before_load(late).await;
        let started = open_held(visit).await;
        visit.press(LAUNCH).await;
        visit.inspect("preparing").await;
        let_go(visit).await;
        visit.is_told("Meta’s window is ready now. Please press the button once more.").await;
        visit.sign_up(LAUNCH, FINISH).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn the_layout_does_not_shift_while_the_page_loads() {
    visit(Plan::default(), async |visit| {
        let watch = "
            window.jumps = 0;
            new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => jumps += value))
                .observe({ type: 'layout-shift', buffered: true });
        ";
        visit.browser.before_load(watch).await;
        let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true });
        visit.browser.cdp("Emulation.setDeviceMetricsOverride", phone).await;
        open_held(visit).await;
        let_go(visit).await;
        // Meta's script is loaded last; two frames later all is painted.
        let ready = async || {
            visit.browser.evaluate("return typeof FB", vec![]).await.as_str().filter(|t| *t == "object").map(drop)
        };
        visit.browser.wait("Meta's script", ready).await;
        let frames = "for (const _ of [1, 2]) await new Promise(requestAnimationFrame); return jumps;";
        let jumps = visit.browser.evaluate_async(frames).await;
        assert!(jumps.as_f64() < Some(0.01), "the layout jumps by {jumps}");
    })
    .await;
}

/// Those that the page has texts in.
fn languages() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../signup/texts");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
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
async fn the_locale_of_the_start_chooses_the_language_of_the_page() {
    visit(Plan::default(), async |visit| {
        let languages = languages();
        let same = languages.iter().map(|language| (language.as_str(), language.as_str()));
        for (locale, language) in same.chain([("es-MX", "es"), ("pt-BR", "pt"), ("xx", "en")]) {
            visit.open_with(&format!("tenant-{locale}"), json!({ "locale": locale })).await;
            assert_speaks(visit, language).await;
            if locale == language && language != "en" {
                visit.inspect(&format!("start-{language}")).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_browser_chooses_the_language_of_the_page_without_a_locale() {
    visit(Plan { language: "pt-BR", ..Plan::default() }, async |visit| {
        visit.open("tenant-1").await;
        assert_speaks(visit, "pt").await;
        visit.open_with("tenant-2", json!({ "locale": "xx" })).await;
        assert_speaks(visit, "pt").await;
        visit.open_with("tenant-3", json!({ "locale": "de" })).await;
        assert_speaks(visit, "de").await;
    })
    .await;
}

#[tokio::test]
async fn a_signup_can_be_finished_by_keyboard() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        visit.key(Key::Tab).await;
        assert_eq!(visit.focus().await, LAUNCH);
        let choice = FINISH.by("several_numbers");
        visit.in_popup(async || visit.key(Key::Enter).await, async || visit.fill_in(choice).await).await;
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
async fn a_bright_partner_color_stays_readable() {
    let variables = vec![("PARTNER_COLOR".to_owned(), "#ffd400".to_owned())];
    visit(Plan { variables, ..Plan::default() }, async |visit| {
        visit.open("tenant-1").await;
        visit.control(LAUNCH).await;
        visit.inspect("start-bright").await;
    })
    .await;
}
