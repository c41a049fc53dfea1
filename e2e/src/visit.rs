//! One test's visit to the page: a stack, a browser, and what must hold at the end of every visit.

use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt as _;
use local::Options;
use local::client::Started;
use serde_json::Value;

use crate::browser::Browser;
use crate::test_stack::TestStack;
use crate::traffic::{self, Traffic};

/// What is special about a visit.
pub struct Plan {
    /// The browser's language.
    pub language: &'static str,
    /// Work off the queues by hand, so that an onboarding stands still until the test moves it.
    pub by_hand: bool,
    /// Settings of the functions.
    pub variables: Vec<(String, String)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { language: "en-GB", by_hand: false, variables: Vec::new() }
    }
}

/// A stack, a browser, and what was seen so far.
pub struct Visit {
    /// The stack.
    pub stack: TestStack,
    /// The browser.
    pub browser: Browser,
    started: RefCell<Vec<Started>>,
    expected: RefCell<Vec<String>>,
    network: RefCell<Vec<Value>>,
}

/// Runs a test. At its end the console has shown no error but the expected ones, no CSP was violated, and no setup token
/// went anywhere but to our API. Whatever happens, browser and stack are stopped.
pub async fn visit(plan: Plan, test: impl AsyncFnOnce(&Visit)) {
    let options = Options { by_hand: plan.by_hand, variables: plan.variables, ..Options::default() };
    let visit = Visit {
        stack: TestStack::start(options).await,
        browser: Browser::start(plan.language).await,
        started: RefCell::default(),
        expected: RefCell::default(),
        network: RefCell::default(),
    };
    let result = AssertUnwindSafe(async {
        test(&visit).await;
        visit.assert_clean().await;
    })
    .catch_unwind()
    .await;
    if result.is_err() {
        visit.tell().await;
    }
    let Visit { stack, browser, .. } = visit;
    let _ = browser.client.clone().close().await;
    drop(browser);
    let _ = stack.local.stop().await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

/// What a person does on the page, they do in the visit's browser.
impl Deref for Visit {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Visit {
    /// Starts an onboarding and opens its setup link.
    pub async fn open(&self, reference: &str) -> Started {
        self.open_with(reference, Value::Null).await
    }

    /// Starts an onboarding with further members in the body, and opens its setup link.
    pub async fn open_with(&self, reference: &str, more: Value) -> Started {
        let started = self.start(reference, more).await;
        self.browser.client.goto(&started.setup_url).await.unwrap();
        started
    }

    /// Starts an onboarding without opening its link.
    pub async fn start(&self, reference: &str, more: Value) -> Started {
        let started = self.stack.onboarding(reference, more).await;
        self.started.borrow_mut().push(started.clone());
        started
    }

    /// Makes a new setup link in place of the present one, without opening it.
    pub async fn renew(&self, started: &Started) -> Started {
        let renewed = self.stack.client.renew_link(&started.id).await.unwrap();
        self.started.borrow_mut().push(renewed.clone());
        renewed
    }

    /// The console is to show errors that contain this, such as the browser's own line about an answer of the API.
    pub fn expect_error(&self, text: &str) {
        self.expected.borrow_mut().push(text.to_owned());
    }

    /// Everything that went over the network so far.
    pub async fn traffic(&self) -> Traffic {
        let new = self.browser.log("performance").await;
        let mut network = self.network.borrow_mut();
        network.extend(new);
        Traffic::read(&network)
    }

    async fn assert_clean(&self) {
        let mut unexpected = self.errors().await;
        for expected in self.expected.borrow().iter() {
            let before = unexpected.len();
            unexpected.retain(|text| !text.contains(expected));
            assert!(unexpected.len() < before, "the console does not show {expected:?}");
        }
        assert!(unexpected.is_empty(), "the console shows {unexpected:#?}");
        let traffic = self.traffic().await;
        for started in self.started.borrow().iter() {
            traffic.assert_secret(started.token(), &format!("{}/onboardings/{}", self.stack.local.url, started.id));
        }
        traffic.assert_local();
    }

    /// For whoever has to find out why a test failed.
    async fn tell(&self) {
        let script = "return `${location.href.split('#')[0]}\n${document.body.innerText}`";
        let page = self.browser.client.execute(script, vec![]).await;
        eprintln!(
            "the page when the test failed:\n{}",
            page.map_or_else(|error| error.to_string(), |page| traffic::text(&page).unwrap_or_default())
        );
        eprintln!("its console: {:#?}", self.errors().await);
    }
}
