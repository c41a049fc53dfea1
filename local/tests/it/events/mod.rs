//! What the partner is told, on the event bus and at its webhook.

mod endpoint;
mod feed;
mod told;

use local::Options;
use local::settings::{BACKEND_TOKEN, PARTNER_WEBHOOK_SECRET};
use partner_webhook::SigningSecret;
use secrets::Secret;
use serde_json::{Value, json};
use simulator::Receiver;

use crate::support::TestBench;
use crate::support::bench::Time;

/// A stack with a webhook of the partner's.
struct WithWebhook {
    bench: TestBench,
    receiver: Receiver,
}

impl WithWebhook {
    async fn new() -> Self {
        Self::signed_with(&[PARTNER_WEBHOOK_SECRET]).await
    }

    /// The receiver takes what is signed with one of these secrets.
    async fn signed_with(secrets: &[&str]) -> Self {
        let time = Time::default();
        let receiver = Receiver::start(secrets, time.clock()).await.unwrap();
        let variables = vec![("PARTNER_WEBHOOK_URL".to_owned(), receiver.url())];
        let bench = TestBench::at(time, Options { variables, ..Options::default() }).await;
        Self { bench, receiver }
    }

    /// The events of the feed, all of them.
    async fn feed(&self) -> Vec<Value> {
        feed(&self.bench).await
    }

    async fn test_event(&self) -> String {
        let reply = self.bench.post("/v1/events/test", BACKEND_TOKEN, &json!({})).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply.body["id"].as_str().unwrap().to_owned()
    }

    /// Changes what events are signed with, as an operator does; the publisher has read the new value.
    async fn change_secret(&self, change: impl FnOnce(&mut Vec<SigningSecret>)) {
        let secret = &self.bench.stack.twins.worker;
        let mut changed = (*secret.value().await.unwrap()).clone();
        change(changed.partner_webhook.as_mut().unwrap());
        secret.rotate(changed);
        secret.refresh().await.unwrap();
    }

    async fn replay(&self, after: &str) {
        let reply = self.bench.post("/v1/events/replay", BACKEND_TOKEN, &json!({ "after": after })).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
    }
}

/// Every event of the feed, page by page.
pub(crate) async fn feed(bench: &TestBench) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    let mut path = "/v1/events?limit=7".to_owned();
    loop {
        let page = bench.get(&path, BACKEND_TOKEN).await;
        assert_eq!(page.status, 200, "{}", page.text);
        events.extend(page.body["events"].as_array().unwrap().iter().cloned());
        if page.body["has_more"] == false {
            return events;
        }
        path = format!("/v1/events?limit=7&after={}", page.body["cursor"].as_str().unwrap());
    }
}

/// The types of events, in their order.
fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}
