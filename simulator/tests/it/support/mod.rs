//! A simulator with a clock that stands still until a test moves it, a client to call it, and a receiver of webhooks.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, Once};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use simulator::{Settings, Simulator};
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) struct TestBench {
    pub(crate) simulator: Simulator,
    pub(crate) settings: Settings,
    pub(crate) http: reqwest::Client,
    pub(crate) receiver: Receiver,
    now: Arc<Mutex<OffsetDateTime>>,
}

/// What the partner's system got.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn event(&self) -> String {
        self.json()["event"].as_str().unwrap().to_owned()
    }
}

/// The partner's system.
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: UnboundedReceiver<Received>,
    /// What it answers.
    pub(crate) status: Arc<AtomicU16>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, received) = unbounded_channel();
        let status = Arc::new(AtomicU16::new(200));
        let router = Router::new().route("/hook", post(keep).get(handshake)).with_state((sender, Arc::clone(&status)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received, status }
    }

    /// Everything that has come so far.
    pub(crate) fn all(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }

    /// The next one, as soon as it comes.
    pub(crate) async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }

    pub(crate) fn events(&mut self) -> Vec<String> {
        self.all().iter().map(Received::event).collect()
    }
}

type Kept = (UnboundedSender<Received>, Arc<AtomicU16>);

async fn keep(State((sender, status)): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    sender.send(Received { headers, body }).unwrap();
    StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap()
}

async fn handshake(Query(query): Query<std::collections::HashMap<String, String>>) -> String {
    if query["hub.verify_token"] == "made-up-verify-token" { query["hub.challenge"].clone() } else { String::new() }
}

/// Plain HTTP, but the client wants to know how it would do TLS.
#[expect(clippy::disallowed_methods, reason = "the simulator knows nothing of the client that functions use")]
pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap());
    reqwest::Client::new()
}

impl TestBench {
    /// With the default settings, but no rate limit.
    pub(crate) async fn new() -> Self {
        Self::with(|settings| settings.behavior.rate_limit = None).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let receiver = Receiver::start().await;
        let now = Arc::new(Mutex::new(OffsetDateTime::now_utc()));
        let told = Arc::clone(&now);
        let mut settings = Settings {
            clock: Arc::new(move || *told.lock().unwrap()),
            webhook_url: Some(receiver.url.clone()),
            meta_webhook_url: Some(receiver.url.clone()),
            ..Settings::default()
        };
        change(&mut settings);
        let simulator = Simulator::start(settings.clone()).await.unwrap();
        Self { simulator, settings, http: client(), receiver, now }
    }

    /// Lets time pass, and what is due happen.
    pub(crate) async fn wait(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
        self.simulator.run_due().await;
    }

    pub(crate) fn hub(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/partners/{}{path}", self.simulator.hub_url(), self.settings.partner_id);
        self.http.request(method.parse().unwrap(), url).header("X-API-Key", &self.settings.api_key)
    }

    pub(crate) fn graph(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}/v25.0/{path}", self.simulator.graph_url()))
    }

    pub(crate) async fn control(&self, path: &str, order: Value) -> (u16, Value) {
        let url = format!("http://{}/simulator/{path}", self.simulator.address());
        answer(self.http.post(url).json(&order)).await
    }

    pub(crate) async fn fault(&self, order: Value) {
        let (status, answer) = self.control("faults", order).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn ledger(&self) -> Value {
        let url = format!("http://{}/simulator/ledger", self.simulator.address());
        answer(self.http.get(url)).await.1
    }

    pub(crate) async fn create_client(&self, email: &str) -> (u16, Value) {
        let body = json!({"name": "Nordlicht Fahrrad GmbH", "email": email, "user_name": "Lena Voss"});
        answer(self.hub("POST", "/account_sharing/clients").json(&body)).await
    }

    /// A client whose customer has finished Embedded Signup, and what to submit for it.
    pub(crate) async fn signed_up(&self, account: &str) -> Value {
        let (_, client) = self.create_client("lena.voss@nordlicht.example").await;
        let (_, popup) = self.control("popup", json!({"account": account})).await;
        json!({
            "solution_id": self.settings.solution_id,
            "client_id": client["id"],
            "waba_external_id": popup["session"]["data"]["waba_id"],
            "channel_external_id": popup["session"]["data"]["phone_number_id"],
            "tier": "regular",
        })
    }

    pub(crate) async fn submit(&self, submission: &Value) -> (u16, Value) {
        answer(self.hub("POST", "/account_sharing/numbers").json(submission)).await
    }

    /// The id of a channel that is live, all its webhooks delivered and forgotten.
    pub(crate) async fn live_channel(&mut self, account: &str) -> String {
        let submission = self.signed_up(account).await;
        assert_eq!(self.submit(&submission).await.0, 200);
        self.wait(Duration::seconds(1)).await;
        self.receiver.all();
        self.ledger().await["channels"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The business token for what the popup returned.
    pub(crate) async fn token(&self, played: &Value) -> String {
        let form = [
            ("client_id", self.settings.app_id.as_str()),
            ("client_secret", self.settings.app_secret.as_str()),
            ("code", played["code"].as_str().unwrap()),
        ];
        let url = format!("{}/v25.0/oauth/access_token", self.simulator.graph_url());
        answer(self.http.post(url).form(&form)).await.1["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn make_key(&self, channel: &str) -> (u16, Value) {
        answer(self.hub("POST", &format!("/channels/{channel}/api_keys")).json(&json!({}))).await
    }
}

/// Status and body; a body that is no JSON as a text.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// All names in a value, nested ones with dots: its shape.
pub(crate) fn shape(value: &Value) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let mut names: Vec<String> = object
        .iter()
        .flat_map(|(name, value)| {
            let below = shape(value).into_iter().map(move |rest| format!("{name}.{rest}"));
            std::iter::once(name.clone()).chain(below)
        })
        .collect();
    names.sort();
    names
}
