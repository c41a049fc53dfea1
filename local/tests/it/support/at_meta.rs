//! Customers who are at Meta, and what Meta reports of them.

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use local::client::Started;
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use secrecy::ExposeSecret;
use secrets::Secret;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::fakes::SCHEDULE;
use crate::support::replies::{Reply, send};
use crate::support::webhooks::hmac_hex;

impl TestBench {
    /// A customer who is at Meta: the page said so, and says nothing more.
    pub(crate) async fn at_meta(&self, reference: &str) -> Started {
        let started = self.client.start(reference).await.unwrap();
        self.goes_to_meta(&started).await;
        started
    }

    pub(crate) async fn goes_to_meta(&self, started: &Started) {
        let opened = json!({"session": {"event": "OPENED", "data": {}}});
        assert_eq!(self.callback(started, &opened).await.status, 200);
    }

    /// Meta reports that an account's customer finished.
    pub(crate) async fn meta_reports(&self, account: &str, event: &str) {
        let order = json!({"account": account, "event": event});
        assert_eq!(self.client.order("account_update", &order).await.unwrap()["status"], 200);
    }

    /// A report of any WABA, signed as it should be. `more`: members of `waba_info`.
    pub(crate) async fn reported(&self, waba_id: &str, time: i64, more: &Value) {
        let mut info = json!({"waba_id": waba_id, "owner_business_id": "680000000000009"});
        info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let value = json!({"event": "PARTNER_ADDED", "waba_info": info});
        let change = json!({"field": "account_update", "value": value});
        let entry = json!([{"id": "100200300400500", "time": time, "changes": [change]}]);
        let body = json!({"object": "whatsapp_business_account", "entry": entry}).to_string();
        let secret = self.stack.twins.bundle.value().await.unwrap();
        let signature = format!("sha256={}", hmac_hex(secret.meta_app_secret.expose_secret(), body.as_bytes()));
        let request = self.client.request(Method::POST, "/v1/webhooks/meta", "").body(body);
        assert_eq!(send(request.header("x-hub-signature-256", signature)).await.status, 200);
    }

    /// All signups that nobody has claimed, page by page.
    pub(crate) async fn unclaimed(&self) -> Vec<Value> {
        let (mut signups, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/v1/signups?state=unclaimed&limit=50&cursor={cursor}"), BACKEND_TOKEN).await;
            assert_eq!(page.status, 200, "{}", page.text);
            signups.extend(page.body["signups"].as_array().unwrap().iter().cloned());
            match page.body["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return signups,
            }
        }
    }

    /// Lets time pass in which nothing is looked at, and then what is due by then happen.
    pub(crate) async fn skip(&self, time: Duration) {
        Box::pin(self.settle()).await;
        self.pass(time - SCHEDULE * 2);
        self.live_on_schedule(SCHEDULE * 2).await;
    }

    /// How many popups are on record that did not lead on.
    pub(crate) async fn attempts(&self, started: &Started) -> usize {
        self.record(started).await["attempts"].as_array().map_or(0, Vec::len)
    }

    /// What the page sees, with what it is told if it sees nothing.
    pub(crate) async fn page_view(&self, started: &Started) -> Reply {
        self.get(&format!("/v1/onboardings/{}", started.id), started.token()).await
    }
}
