//! An HTTP server on a free port that gives the answers it was told to, in order, and keeps the requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Response};
use exchange::Clock;
use partner_hub::{Authorization, Hub};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use url::Url;

pub(crate) const PARTNER: &str = "q8ZkWnPA";

pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn sample(status: u16, name: &str) -> Self {
        Self::new(status, sample(name))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Such as `POST /api/v2/token`.
    pub(crate) line: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Value>,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    requests: Arc<Mutex<Vec<Recorded>>>,
}

pub(crate) struct Server {
    /// Without a path.
    pub(crate) url: Url,
    script: Script,
}

impl Server {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Script { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Script::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    /// The requests since the last look, all of them answered as told.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.script.requests.lock().unwrap())
    }

    pub(crate) fn hub(&self) -> Hub {
        hub(&self.url, Clock::system())
    }
}

async fn answer(
    State(script): State<Script>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    script.requests.lock().unwrap().push(Recorded {
        line: format!("{} {}", parts.method, parts.uri.path()),
        query,
        headers: parts.headers,
        body: serde_json::from_slice(&body).ok(),
    });
    // 418 is no answer that any test expects: the script is too short.
    let answer = script.answers.lock().unwrap().pop_front().unwrap_or_else(|| Answer::new(418, ""));
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body.into()).unwrap()
}

/// An address where the request is read and the connection closed without an answer.
pub(crate) async fn silent() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
        }
    });
    url
}

/// An address where nobody listens.
pub(crate) async fn closed() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

pub(crate) fn hub(url: &Url, clock: Clock) -> Hub {
    let http = exchange::client().unwrap();
    Hub::new(http, url.join("/api/v2").unwrap(), PARTNER.to_owned(), clock)
}

pub(crate) fn api_key() -> Authorization {
    Authorization::ApiKey("made-up-partner-key".into())
}

pub(crate) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../samples/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).unwrap()
}

/// A clock that is set by hand.
pub(crate) fn set_clock() -> (Clock, Arc<Mutex<OffsetDateTime>>) {
    let time = Arc::new(Mutex::new(OffsetDateTime::UNIX_EPOCH));
    let told = Arc::clone(&time);
    (Clock::from_fn(move || *told.lock().unwrap()), time)
}
