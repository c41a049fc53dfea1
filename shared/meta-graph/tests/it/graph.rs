//! A server on this machine that answers as it is told and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use meta_graph::{Meta, MetaApp};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

pub(crate) const APP_ID: &str = "1482000011112222";
pub(crate) const APP_SECRET: &str = "made-up-app-secret";
pub(crate) const CODE: &str = "AQmade-up-code";
pub(crate) const TOKEN: &str = "EAAmade-up-business-token";
pub(crate) const WABA: &str = "409812357760143";

/// Stands for everything that came with the request: an answer repeats it.
pub(crate) const ECHO: &str = "<echo>";

/// What the server answers once.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl ToString) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string() }
    }

    pub(crate) fn sample(status: u16, name: &str) -> Self {
        Self::new(status, sample(name))
    }

    /// Meta's envelope around these members.
    pub(crate) fn error(status: u16, members: &Value) -> Self {
        Self::new(status, serde_json::json!({ "error": members }))
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
}

struct Script {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

#[derive(Clone)]
pub(crate) struct Graph {
    script: Arc<Mutex<Script>>,
    url: Url,
}

impl Graph {
    /// Gives the answers one after the other, the last one for ever.
    pub(crate) async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Arc::new(Mutex::new(Script { answers: answers.into_iter().collect(), asked: Vec::new() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { script, url }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn meta(&self) -> Meta {
        meta(self.url.clone())
    }
}

pub(crate) fn meta(graph_url: Url) -> Meta {
    let http = exchange::client().unwrap();
    Meta::new(http, MetaApp { graph_url, graph_version: "v25.0".to_owned(), app_id: APP_ID.to_owned() })
}

/// A server that reads each request to its end and then does what it is told with the connection: closes it, or keeps it open.
/// Tells of every request through the channel.
pub(crate) fn mute(keep_open: bool) -> (Url, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !complete(&request) {
                let length = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..length]);
            }
            if keep_open {
                open.push(stream);
            } else {
                // The beginning of an answer, so that nobody takes the connection for one that was dead before.
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap();
            }
            if tell.send(()).is_err() {
                return;
            }
        }
    });
    (url, told)
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// An address where nobody listens.
pub(crate) fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

pub(crate) fn sample(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name)).unwrap()
}

pub(crate) fn sample_json(name: &str) -> Value {
    serde_json::from_str(&sample(name)).unwrap()
}

pub(crate) fn secret(text: &str) -> SecretString {
    text.into()
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> (StatusCode, HeaderMap, String) {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect();
    let asked = Asked {
        line: format!("{} {}", parts.method, parts.uri.path()),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        form: pairs(&body),
        headers: parts.headers,
    };
    let authorization = asked.headers.get("authorization").map(|value| value.to_str().unwrap());
    let sent = asked.query.values().chain(asked.form.values()).map(String::as_str).chain(authorization);
    let echo = sent.collect::<Vec<_>>().join(" ");
    let mut script = script.lock().unwrap();
    script.asked.push(asked);
    let answer = match script.answers.len() {
        1 => script.answers[0].clone(),
        _ => script.answers.pop_front().unwrap(),
    };
    let headers = answer.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    (StatusCode::from_u16(answer.status).unwrap(), headers, answer.body.replace(ECHO, &echo))
}
