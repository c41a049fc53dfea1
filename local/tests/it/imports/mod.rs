//! Channels that were there before become onboardings.

mod fields;
mod ownership;
mod road;

use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

impl TestBench {
    /// `POST /imports`. Returns the import's id.
    async fn import(&self, body: &Value) -> String {
        let reply = self.post("/v1/imports", BACKEND_TOKEN, body).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        reply.body["id"].as_str().unwrap().to_owned()
    }

    /// How far an import is.
    async fn imported(&self, id: &str) -> Value {
        let reply = self.get(&format!("/v1/imports/{id}"), BACKEND_TOKEN).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body
    }

    /// Lets the time pass until an import is done.
    async fn import_done(&self, id: &str) -> Value {
        for _ in 0..200 {
            let import = self.imported(id).await;
            if import["state"] == "done" {
                assert_eq!(import["done"], import["total"], "{import:#}");
                return import;
            }
            self.live_through(Duration::minutes(1)).await;
        }
        panic!("the import does not end: {:#}", self.imported(id).await);
    }

    /// Imports these channels, to the end.
    async fn import_of(&self, channels: &[Value]) -> Value {
        let id = self.import(&json!({ "channels": channels })).await;
        self.import_done(&id).await
    }

    /// The onboarding of an imported channel.
    async fn of_import(&self, channel: &Value) -> Value {
        let id = channel["onboarding_id"].as_str().unwrap();
        let reply = self.get(&format!("/v1/onboardings/{id}"), BACKEND_TOKEN).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body
    }
}

/// What an import says of a channel.
fn of<'a>(import: &'a Value, channel_id: &Value) -> &'a Value {
    let channels = import["channels"].as_array().unwrap();
    channels.iter().find(|channel| channel["channel_id"] == *channel_id).unwrap()
}

fn would(import: &Value, channel_id: &Value) -> String {
    of(import, channel_id)["would"].as_str().unwrap_or("nothing yet").to_owned()
}

fn wanted(channel_id: &Value, reference: &str) -> Value {
    json!({ "channel_id": channel_id, "reference": reference })
}
