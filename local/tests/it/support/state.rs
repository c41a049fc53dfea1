//! Snapshots of all that the stack and the fakes hold, and the check that an onboarding still finishes.

use local::client::Started;
use local::settings::BACKEND_TOKEN;
use queue::QueueName;
use reqwest::Method;
use serde_json::{Value, json};
use store::{InboxEntry, InboxKey, Source};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::{Reply, send};

impl TestBench {
    /// Every record with its history, what waits in the queues, and what was asked of the fakes.
    pub(crate) async fn everything(&self) -> Value {
        let list = self.get("/v1/onboardings", BACKEND_TOKEN).await;
        let mut records = Vec::new();
        for shown in list.body["onboardings"].as_array().unwrap() {
            records.push(self.client.record(shown["id"].as_str().unwrap()).await.unwrap());
        }
        let queues: Vec<_> = QueueName::all().map(|name| self.stack.twins.queue.len(name)).collect();
        let ledger = self.client.ledger().await.unwrap();
        json!({ "records": records, "queues": queues, "calls": ledger["calls"], "keys": ledger["keys"] })
    }

    /// Posts what the popup returned; unlike the client's own method, with the headers of the answer.
    pub(crate) async fn callback(&self, started: &Started, returned: &Value) -> Reply {
        let path = format!("/v1/onboardings/{}/es-callback", started.id);
        send(self.client.request(Method::POST, &path, started.token()).json(returned)).await
    }

    /// How often a route of the fakes was called.
    pub(crate) async fn calls(&self, route: &str) -> usize {
        let ledger = self.client.ledger().await.unwrap();
        ledger["calls"].as_array().unwrap().iter().filter(|call| call["route"] == route).count()
    }

    /// What is kept of a webhook.
    pub(crate) async fn inbox(&self, key: &str) -> Option<InboxEntry> {
        self.stack.twins.store.inbox(&key.parse::<InboxKey>().unwrap()).await.unwrap()
    }

    /// What was noted of a Hub webhook that is not kept.
    pub(crate) async fn seen(&self, body: &str) -> Option<InboxEntry> {
        self.stack.twins.store.seen(Source::PartnerHub, body).await.unwrap()
    }

    /// What came of a webhook; `None` while it is not settled.
    pub(crate) async fn outcome(&self, key: &str) -> Option<String> {
        self.stack.twins.store.outcome(&key.parse::<InboxKey>().unwrap()).await.unwrap()
    }

    /// Orders faults of the fakes.
    pub(crate) async fn faults(&self, faults: Value) {
        self.client.order("faults", &faults).await.unwrap();
    }

    /// The words of an onboarding's history, oldest first.
    pub(crate) async fn history(&self, started: &Started) -> Vec<String> {
        let record = self.record(started).await;
        let entries = record["history"].as_array().unwrap();
        entries.iter().map(|entry| entry["event"]["event"].as_str().unwrap().to_owned()).collect()
    }

    /// The customer goes through the popup, again or for the first time, and the only onboarding keeps its promise.
    pub(crate) async fn finish(&self, started: &Started, account: &str) {
        let popup = self.client.popup(account, "finish").await.unwrap();
        let reply = self.callback(started, &popup).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        // One call more than the limit allows at once may come before.
        self.live_through(Duration::seconds(40)).await;
        self.assert_promise_kept(started).await;
    }

    /// Asserts the promise for one of several onboardings: its channel's key in the vault is the valid one.
    pub(crate) async fn assert_key_works(&self, started: &Started) {
        let record = self.record(started).await;
        assert_eq!(record["status"], "ready", "{record:#}");
        let keys = self.stack.twins.vault.keys();
        let kept: Vec<_> = keys.iter().filter(|(channel, _)| record["channel_id"] == channel.as_str()).collect();
        assert_eq!(kept.len(), 1, "{record:#}");
        assert!(self.client.key_works(&kept[0].1).await.unwrap(), "the key in the vault is not the valid one");
    }
}
