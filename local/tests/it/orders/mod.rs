//! What the partner's server wants of one onboarding: of its link, its channel, its key, and at its start.

mod cancel;
mod disconnect;
mod key_deletion;
mod links;
mod options;
mod rotation;

use local::client::Started;
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::{Reply, send};

impl TestBench {
    /// `POST /onboardings/{id}/{order}` by the partner's server.
    async fn order(&self, started: &Started, order: &str) -> Reply {
        self.post(&format!("/v1/onboardings/{}/{order}", started.id), BACKEND_TOKEN, &json!({})).await
    }

    /// [`Self::order`], which is taken.
    async fn ordered(&self, started: &Started, order: &str) -> Value {
        let reply = self.order(started, order).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply.body
    }

    /// `POST /onboardings` with these members more.
    async fn start_with(&self, reference: &str, members: &Value) -> Reply {
        let mut body = local::client::start_body(reference);
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.post("/v1/onboardings", BACKEND_TOKEN, &body).await
    }

    /// [`Self::start_with`], which is taken.
    async fn started_with(&self, reference: &str, members: &Value) -> Started {
        let reply = self.start_with(reference, members).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        serde_json::from_value(reply.body).unwrap()
    }

    /// A new link for an onboarding.
    async fn renewed(&self, started: &Started, body: &Value) -> Started {
        let reply = self.post(&format!("/v1/onboardings/{}/link", started.id), BACKEND_TOKEN, body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        serde_json::from_value(reply.body).unwrap()
    }

    async fn revoked(&self, started: &Started) {
        let path = format!("/v1/onboardings/{}/link", started.id);
        let reply = send(self.client.request(Method::DELETE, &path, BACKEND_TOKEN)).await;
        assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    }

    /// An onboarding that is ready, and its channel.
    async fn ready_for(&self, reference: &str, account: &str) -> (Started, String) {
        let started = self.signed_up(reference, account).await;
        self.live_through(Duration::minutes(10)).await;
        self.assert_key_works(&started).await;
        let channel = self.record(&started).await["channel_id"].as_str().unwrap().to_owned();
        (started, channel)
    }

    /// The channel as the Hub has it.
    async fn at_hub(&self, channel_id: &str) -> Value {
        let ledger = self.client.ledger().await.unwrap();
        let channels = ledger["channels"].as_array().unwrap();
        channels.iter().find(|channel| channel["id"] == channel_id).cloned().unwrap_or_default()
    }

    /// What the partner was told of an onboarding: the types, and of an update what changed.
    async fn told_of(&self, started: &Started) -> Vec<String> {
        self.live_through(Duration::seconds(11)).await;
        let of_it = |event: &&Value| event["data"]["onboarding"]["id"] == started.id.as_str();
        let feed = crate::events::feed(self).await;
        let word = |event: &Value| {
            let kind = event["type"].as_str().unwrap().trim_start_matches("onboarding.").to_owned();
            let changed = event["data"]["onboarding"]["changed"].as_array();
            let changed: Vec<&str> = changed.into_iter().flatten().map(|word| word.as_str().unwrap()).collect();
            if changed.is_empty() { kind } else { format!("{kind} {}", changed.join(" ")) }
        };
        feed.iter().filter(of_it).map(word).collect()
    }
}
