//! Webhooks that a test signs and sends itself, and what the inbox keeps of them.

use hmac::{Hmac, KeyInit, Mac};
use local::client::Started;
use local::settings::PLATFORM_SECRET;
use reqwest::Method;
use secrets::{BundleSecret, Secret};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::TestBench;
use crate::support::replies::{Reply, send};

/// HMAC-SHA256 in hexadecimal digits.
pub(crate) fn hmac_hex(secret: &str, body: &[u8]) -> String {
    hex::encode(Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body).finalize().into_bytes())
}

/// The inbox key of a Hub webhook without an id.
pub(crate) fn key_of(body: &str) -> String {
    format!("partner_hub#{}", hex::encode(Sha256::digest(body)))
}

impl TestBench {
    /// A Hub webhook with one header, such as its signature.
    pub(crate) async fn hub_webhook_with(&self, body: &str, header: &str, value: &str) -> Reply {
        let request = self.client.request(Method::POST, "/v1/webhooks/partner-hub", "").body(body.to_owned());
        send(if header.is_empty() { request } else { request.header(header, value) }).await
    }

    /// A Hub webhook, signed as it should be.
    pub(crate) async fn hub_webhook(&self, body: &str) -> Reply {
        let signature = hmac_hex(PLATFORM_SECRET, body.as_bytes());
        self.hub_webhook_with(body, "x-360dialog-signature", &signature).await
    }

    /// Changes the edge's secret, as an operator does.
    pub(crate) async fn change_secret(&self, change: impl FnOnce(&mut BundleSecret)) {
        let secret = &self.stack.twins.bundle;
        let mut changed = (*secret.value().await.unwrap()).clone();
        change(&mut changed);
        secret.rotate(changed);
    }

    /// An onboarding that is submitted, with its channel's id; the Hub's own webhooks of it are all lost.
    pub(crate) async fn submitted(&self) -> (Started, String) {
        self.faults(json!({"route": "webhook", "lose": true, "times": 20})).await;
        let started = self.signed_up("tenant-1", "one_number").await;
        self.live_through(time::Duration::seconds(2)).await;
        assert_eq!(self.status(&started).await, "submitted");
        let ledger = self.client.ledger().await.unwrap();
        (started, ledger["channels"][0]["id"].as_str().unwrap().to_owned())
    }
}

/// `channel_live` in the full shape, as the Hub would send it for this bench's only channel.
pub(crate) async fn channel_live(bench: &TestBench, id: &str) -> Value {
    let ledger = bench.client.ledger().await.unwrap();
    json!({"id": id, "event": "channel_live", "data": ledger["channels"][0]})
}
