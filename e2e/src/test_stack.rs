//! A local stack of a test's own, in real time that can be moved ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use local::client::{Client, Started, start_body};
use local::settings::BACKEND_TOKEN;
use local::{LocalStack, Options};
use serde_json::{Value, json};
use simulator::Behavior;
use time::{Duration, OffsetDateTime};

use crate::browser::wait;

/// A local stack, a client of it, and a clock that can be moved ahead.
pub struct TestStack {
    /// The stack itself.
    pub local: LocalStack,
    /// The partner's server, and whoever gives the simulator orders.
    pub client: Client,
    ahead: Arc<AtomicI64>,
}

impl TestStack {
    /// Starts one. Numbers become live at once, and the Hub takes any number of calls.
    pub async fn start(mut options: Options) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&ahead);
        options.simulator.clock =
            Arc::new(move || OffsetDateTime::now_utc() + Duration::seconds(seconds.load(Ordering::SeqCst)));
        options.simulator.behavior = Behavior { live_after_ms: 50, rate_limit: None, ..Behavior::default() };
        let local = LocalStack::start(options).await.unwrap();
        let client = Client::new(&local.origin).unwrap();
        Self { local, client, ahead }
    }

    /// Lets time pass for the stack and its fakes, not for the browser.
    pub fn pass(&self, time: Duration) {
        self.ahead.fetch_add(time.whole_seconds(), Ordering::SeqCst);
    }

    /// Starts an onboarding. `more` adds members to the body.
    pub async fn onboarding(&self, reference: &str, more: Value) -> Started {
        let mut body = start_body(reference);
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        let answer = self.client.post("/v1/onboardings", BACKEND_TOKEN, &body).await.unwrap();
        serde_json::from_value(answer.succeeded().unwrap()).unwrap()
    }

    /// The full record.
    pub async fn record(&self, started: &Started) -> Value {
        self.client.record(&started.id).await.unwrap()
    }

    /// Waits until the record has this status, and returns it.
    pub async fn reaches(&self, started: &Started, status: &str) -> Value {
        wait(&format!("the record to be {status}"), async || {
            let record = self.record(started).await;
            (record["status"] == status).then_some(record)
        })
        .await
    }

    /// Waits until the other side has refused the present step once, and lets the onboarding fail of it now: in real time the
    /// same is asked once more, minutes later.
    pub async fn fails(&self, started: &Started, code: &str) {
        let refusal = wait("the first refusal", async || {
            let retry = self.record(started).await["retry"].clone();
            (retry["refused"]["code"] == code).then_some(retry)
        })
        .await;
        let problem = json!({ "step": refusal["step"], "code": code, "detail": refusal["error"], "retryable": true });
        let event = serde_json::from_value(json!({ "event": "step_failed", "problem": problem })).unwrap();
        self.local.twins.store.apply(&started.id.parse().unwrap(), &event).await.unwrap();
    }

    /// Orders a fault of the simulator.
    pub async fn fault(&self, fault: Value) {
        self.client.order("faults", &fault).await.unwrap();
    }

    /// Changes the simulator's settings.
    pub async fn change(&self, settings: Value) {
        self.client.order("settings", &settings).await.unwrap();
    }

    /// Asserts that an onboarding has ended as promised: ready, with the one key that works.
    pub async fn assert_promise_kept(&self, started: &Started) -> Value {
        let record = self.reaches(started, "ready").await;
        let channel = record["channel_id"].as_str().unwrap();
        let keys = self.local.twins.vault.keys();
        let (_, key) = keys.iter().find(|(id, _)| id.as_str() == channel).unwrap();
        assert!(self.client.key_works(key).await.unwrap(), "the key in the vault is not the valid one");
        record
    }

    /// Plays Meta's popup without a browser: for what came before a page was opened.
    pub async fn signed_up(&self, started: &Started, account: &str) {
        let popup = self.client.popup(account, "finish").await.unwrap();
        let answer = self.client.es_callback(started, &popup).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The client grants API-key permission for all its channels.
    pub async fn grant(&self, record: &Value) {
        let client_id = &record["client"]["id"];
        self.client.order("permission", &json!({ "client_id": client_id, "granted": true })).await.unwrap();
    }
}
