//! What a person does in the stand-in for Meta's popup and full-page sign-in.

use fantoccini::Locator;

use crate::browser::Browser;

/// Who goes through Embedded Signup, and how it ends. The words are the simulator's.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// `#account`
    pub account: &'static str,
    /// `#outcome`
    pub outcome: &'static str,
    /// `#order`
    pub order: &'static str,
}

/// A customer with one number finishes; the message event arrives first.
pub const FINISH: Choice = Choice { account: "one_number", outcome: "finish", order: "session_first" };

impl Choice {
    /// The same with another account.
    #[must_use]
    pub const fn by(self, account: &'static str) -> Self {
        Self { account, ..self }
    }

    /// The same with another ending.
    #[must_use]
    pub const fn ending(self, outcome: &'static str) -> Self {
        Self { outcome, ..self }
    }

    /// The same, with the code before the message event.
    #[must_use]
    pub const fn code_first(self) -> Self {
        Self { order: "code_first", ..self }
    }
}

impl Browser {
    /// Presses the button of this name, which opens Meta's popup, and goes through it.
    pub async fn sign_up(&self, launch: &str, choice: Choice) {
        self.in_popup(async || self.press(launch).await, async || self.fill_in(choice).await).await;
    }

    /// Presses the button of this name, which opens Meta's popup, and closes the popup.
    pub async fn close_popup(&self, launch: &str) {
        let close = async || self.client.close_window().await.unwrap();
        self.in_popup(async || self.press(launch).await, close).await;
    }

    /// Leaves for Meta's full page, goes through it, and is led back.
    pub async fn sign_up_on_full_page(&self, choice: Choice) {
        self.press("Sign in on a full page").await;
        self.fill_in(choice).await;
    }

    /// Opens a popup, acts in it, and comes back when it is closed.
    pub async fn in_popup(&self, open: impl AsyncFnOnce(), act: impl AsyncFnOnce()) {
        let client = &self.client;
        let page = client.window().await.unwrap();
        let before = client.windows().await.unwrap();
        open().await;
        let new = async || client.windows().await.unwrap().into_iter().find(|window| !before.contains(window));
        let popup = self.wait("the popup", new).await;
        client.switch_to_window(popup.clone()).await.unwrap();
        act().await;
        client.switch_to_window(page).await.unwrap();
        let closed = async || (!client.windows().await.unwrap().contains(&popup)).then_some(());
        self.wait("the popup to close", closed).await;
    }

    /// Fills in the stand-in's form, in the popup or the full-page sign-in, and sends it.
    pub async fn fill_in(&self, choice: Choice) {
        let client = &self.client;
        let element = async |selector: &str| {
            let look = async || client.find(Locator::Css(selector)).await.ok();
            self.wait(&format!("{selector} in the stand-in for Meta"), look).await
        };
        // The script that handles the form runs at its end.
        element("#continue").await;
        element("#account").await.clear().await.unwrap();
        element("#account").await.send_keys(choice.account).await.unwrap();
        element(&format!("#outcome option[value={}]", choice.outcome)).await.click().await.unwrap();
        let order = element(&format!("#order option[value={}]", choice.order)).await;
        if order.is_displayed().await.unwrap() {
            order.click().await.unwrap();
        }
        element("#continue").await.click().await.unwrap();
    }
}
