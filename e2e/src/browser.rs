//! A headless Chromium with an empty profile, through its driver.

use std::time::{Duration, Instant};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::driver::Driver;
use crate::traffic;

/// How long a person would wait for anything on a page, and longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(20);

/// Tells the console of what a Content Security Policy stopped.
const WATCH: &str = "
    document.addEventListener('securitypolicyviolation', (event) =>
        console.error(`CSP: ${event.effectiveDirective} stopped ${event.blockedURI}`));
";

/// A browser.
#[derive(Debug)]
pub struct Browser {
    /// What the driver understands.
    pub client: Client,
    _driver: Driver,
}

/// A command of the driver beyond the standard: `POST` below the session.
#[derive(Debug)]
struct Post(&'static str, Value);

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

impl Browser {
    /// Starts one whose language is `language`, such as `en-GB`.
    pub async fn start(language: &str) -> Self {
        let driver = Driver::start();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {
                "args": arguments.iter().map(ToString::to_string).chain([format!("--lang={language}")]).collect::<Vec<_>>(),
                "prefs": { "intl.accept_languages": language },
                "perfLoggingPrefs": { "enableNetwork": true, "enablePage": false },
            },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "timeouts": { "script": 60_000, "pageLoad": 60_000, "implicit": 0 },
        });
        let capabilities = capabilities.as_object().cloned().unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url())
            .await
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let browser = Self { client, _driver: driver };
        browser.before_load(WATCH).await;
        browser
    }

    /// Runs a script in every document of this window before the document's own.
    pub async fn before_load(&self, script: &str) {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// A command of Chromium's own protocol (<https://chromedevtools.github.io/devtools-protocol/>) for this window.
    pub async fn cdp(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        let answer = self.client.issue_cmd(Post("goog/cdp/execute", body)).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// What was logged since it was last asked: `browser` for the console, `performance` for the network.
    pub async fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.client.issue_cmd(Post("se/log", json!({ "type": kind }))).await.unwrap();
        log.as_array().cloned().unwrap_or_default()
    }

    /// What the console shows in red since it was last asked.
    pub async fn errors(&self) -> Vec<String> {
        let log = self.log("browser").await;
        let red = log.iter().filter(|entry| entry["level"] == "SEVERE");
        red.filter_map(|entry| traffic::text(&entry["message"])).collect()
    }

    /// What a script returns.
    pub async fn evaluate(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap_or_else(|error| panic!("{error} in {script}"))
    }

    /// What a script's promise ends with.
    pub async fn evaluate_async(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; (async () => {{ {script} }})().then(done, (e) => done({{error: `${{e}}`}}));"
        );
        let value = self.client.execute_async(&script, vec![]).await.unwrap();
        assert!(value.get("error").is_none(), "{value}");
        value
    }

    /// Waits until `look` finds something.
    pub async fn wait<T>(&self, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
        wait(what, look).await
    }
}

/// Waits until `look` finds something.
pub async fn wait<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(LOOK).await;
    }
}
