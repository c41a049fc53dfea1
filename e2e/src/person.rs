//! What a person sees and does on the page.

use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::key::Key;

use crate::browser::Browser;

impl Browser {
    /// Waits until the page's heading is this.
    pub async fn sees_heading(&self, heading: &str) {
        self.wait(&format!("the heading {heading:?}"), async || (self.heading().await == heading).then_some(())).await;
    }

    /// The page's one heading.
    pub async fn heading(&self) -> String {
        let script = "return [...document.querySelectorAll('h1')].filter((h) => h.checkVisibility()).map((h) => h.innerText).join()";
        self.evaluate(script, vec![]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until this text is to be read somewhere.
    pub async fn sees(&self, text: &str) {
        self.wait(&format!("the text {text:?}"), async || self.text().await.contains(text).then_some(())).await;
    }

    /// Everything in the page's main part that is to be read now.
    pub async fn text(&self) -> String {
        let text = self.evaluate("return document.querySelector('main')?.innerText", vec![]).await;
        // A no-break space is a space to a reader.
        text.as_str().unwrap_or_default().replace('\u{a0}', " ")
    }

    /// Presses the button or follows the link of this name.
    pub async fn press(&self, name: &str) {
        self.control(name).await.click().await.unwrap();
    }

    /// Waits for the button or link of this name to be there and usable.
    pub async fn control(&self, name: &str) -> Element {
        self.wait(&format!("a button or link {name:?}"), async || self.find(name).await).await
    }

    /// Whether there is a button or link of this name, and usable, now.
    pub async fn offers(&self, name: &str) -> bool {
        self.find(name).await.is_some()
    }

    async fn find(&self, name: &str) -> Option<Element> {
        let path = format!("//*[self::button or self::a][normalize-space()={name:?}]");
        for element in self.client.find_all(Locator::XPath(&path)).await.ok()? {
            if element.is_displayed().await.ok()? && element.is_enabled().await.ok()? {
                return Some(element);
            }
        }
        None
    }

    /// Chooses the field of this label.
    pub async fn choose(&self, label: &str) {
        let path = format!("//label[contains(normalize-space(), {label:?})]");
        self.client.find(Locator::XPath(&path)).await.unwrap().click().await.unwrap();
    }

    /// Presses a key on whatever has the focus.
    pub async fn key(&self, key: Key) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(&char::from(key).to_string()).await.unwrap();
    }

    /// The text of what has the focus.
    pub async fn focus(&self) -> String {
        let text = self.evaluate("return document.activeElement?.innerText ?? ''", vec![]).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What a screen reader was told last without being asked.
    pub async fn said(&self) -> String {
        let text = self.evaluate("return document.querySelector('[role=status]').textContent", vec![]).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until this stands on the page and was told to screen readers.
    pub async fn is_told(&self, text: &str) {
        self.sees(text).await;
        let said = self.said().await;
        assert!(said.contains(text), "a screen reader was told {said:?} and not {text:?}");
    }

    /// The step that things are at.
    pub async fn step(&self) -> String {
        let text = self.evaluate("return document.querySelector('[aria-current=step] strong')?.innerText", vec![]);
        text.await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until things are at this step.
    pub async fn sees_step(&self, step: &str) {
        self.wait(&format!("the step {step:?}"), async || (self.step().await == step).then_some(())).await;
    }

    /// Reloads the page.
    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// Opens an address in this tab.
    pub async fn go(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// Where a link of this name leads.
    pub async fn target(&self, name: &str) -> String {
        self.control(name).await.prop("href").await.unwrap().unwrap_or_default()
    }

    /// The address bar.
    pub async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }
}
