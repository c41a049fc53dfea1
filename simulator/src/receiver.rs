//! A partner's system that receives events, as the specification of Standard Webhooks has it verify them. Written from the
//! specification, independently of what signs them.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::serve::{self, Unanswered};
use crate::settings::{Around, Clock};

/// How far the timestamp of a message may be from the receiver's clock, in seconds.
const TOLERANCE: i64 = 300;

/// A running receiver on 127.0.0.1.
pub struct Receiver {
    inner: Arc<Inner>,
    address: SocketAddr,
    _stop: watch::Sender<bool>,
    _server: JoinHandle<()>,
}

/// One request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The header `webhook-id`.
    pub id: String,
    /// When it came, in seconds since 1970 by the receiver's clock.
    pub at: i64,
    /// The body.
    pub body: String,
    /// Why it is not authentic; `None` if it is.
    pub problem: Option<&'static str>,
    /// What it was answered; `None` if the connection was closed.
    pub status: Option<u16>,
}

/// What a request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// This status.
    Status(u16),
    /// Nothing: the connection is closed.
    Close,
    /// Nothing for a long time: longer than any sender waits.
    Hang,
    /// A redirect to this address.
    Redirect(String),
}

struct Inner {
    keys: Vec<Vec<u8>>,
    clock: Clock,
    state: Mutex<Replies>,
}

struct Replies {
    next: VecDeque<Reply>,
    always: Reply,
    refused: Vec<String>,
    received: Vec<Received>,
}

impl Receiver {
    /// Starts to receive on a free port of 127.0.0.1. `secrets`: as `whsec_…`, any of which may have signed.
    ///
    /// # Errors
    /// If no port is free, or a secret is none.
    pub async fn start(secrets: &[&str], clock: Clock) -> io::Result<Self> {
        Self::start_within(secrets, clock, &(Arc::new(|router| router) as Around)).await
    }

    /// The same, with something around it that each request passes first.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_within(secrets: &[&str], clock: Clock, around: &Around) -> io::Result<Self> {
        let key = |secret: &&str| secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        let keys = secrets.iter().map(key).collect::<Option<_>>().ok_or_else(|| io::Error::other("not a secret"))?;
        let state = Mutex::new(Replies {
            next: VecDeque::new(),
            always: Reply::Status(204),
            refused: Vec::new(),
            received: Vec::new(),
        });
        let inner = Arc::new(Inner { keys, clock, state });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = around(Router::new().route("/events", post(receive)).with_state(Arc::clone(&inner)));
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve::serve(listener, router, stopped));
        Ok(Self { inner, address, _stop: stop, _server: server })
    }

    /// Where it receives.
    pub fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// What the next requests are answered, one after the other, before it answers as usual.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.lock().next.extend(replies);
    }

    /// What requests are answered as usual: 204 at first.
    pub fn always_reply(&self, reply: Reply) {
        self.inner.lock().always = reply;
    }

    /// From now on the event with this id is answered 400, whenever it comes.
    pub fn refuse(&self, id: &str) {
        self.inner.lock().refused.push(id.to_owned());
    }

    /// Every request that came, in their order.
    pub fn received(&self) -> Vec<Received> {
        self.inner.lock().received.clone()
    }

    /// The events that were taken, in the order in which they came first; one that came again is there once.
    pub fn events(&self) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        let taken = |received: &Received| received.status.is_some_and(|status| (200..300).contains(&status));
        for received in self.received().iter().filter(|received| received.problem.is_none() && taken(received)) {
            let event: Value = serde_json::from_str(&received.body).unwrap_or_default();
            if events.iter().all(|known| known["id"] != event["id"]) {
                events.push(event);
            }
        }
        events
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Replies> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a message is not authentic.
    fn problem(&self, headers: &HeaderMap, body: &[u8]) -> Option<&'static str> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(id), Some(timestamp), Some(signatures)) =
            (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
        else {
            return Some("a header is missing");
        };
        let Ok(seconds) = timestamp.parse::<i64>() else { return Some("the timestamp is no number") };
        if (self.now() - seconds).abs() > TOLERANCE {
            return Some("the timestamp is too far away");
        }
        if text("content-type") != Some("application/json") {
            return Some("it is not JSON");
        }
        let body_id = serde_json::from_slice::<Value>(body).ok().and_then(|body| Some(body["id"].as_str()?.to_owned()));
        if body_id.as_deref() != Some(id) {
            return Some("the id is not the body's");
        }
        let mut given = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        let signs = |signature: &str, key: &Vec<u8>| {
            let Ok(keyed) = Hmac::<Sha256>::new_from_slice(key) else { return false };
            let signature = STANDARD.decode(signature).unwrap_or_default();
            keyed.chain_update(format!("{id}.{timestamp}.")).chain_update(body).verify_slice(&signature).is_ok()
        };
        let is_signed = given.any(|signature| self.keys.iter().any(|key| signs(signature, key)));
        (!is_signed).then_some("no signature fits")
    }

    fn now(&self) -> i64 {
        (self.clock)().unix_timestamp()
    }
}

async fn receive(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let problem = inner.problem(&headers, &body);
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let reply = {
        let mut replies = inner.lock();
        let reply = match problem {
            Some(_) => Reply::Status(401),
            None if replies.refused.contains(&id) => Reply::Status(400),
            None => replies.next.pop_front().unwrap_or_else(|| replies.always.clone()),
        };
        let status = match &reply {
            Reply::Status(status) => Some(*status),
            Reply::Redirect(_) => Some(307),
            Reply::Close | Reply::Hang => None,
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        replies.received.push(Received { id, at: inner.now(), body, problem, status });
        reply
    };
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT).into_response(),
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Reply::Close => closed(),
        Reply::Hang => {
            tokio::time::sleep(std::time::Duration::from_mins(1)).await;
            closed()
        }
    }
}

fn closed() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Unanswered);
    response
}
