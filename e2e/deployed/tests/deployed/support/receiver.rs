//! The partner's server: takes the events, looks who signed them, and keeps them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deployed::Error;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the events are signed with: the secret, and the one before it. Both are in use, as while a secret is rotated.
const SECRETS: [&[u8]; 2] = [b"made-up-deployed-partner-webhook-secret", b"made-up-previous-partner-webhook-secret"];
/// How old a signature may be, and how far ahead its clock.
const TOLERANCE: Duration = Duration::minutes(5);

/// A request that was signed.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// The header `webhook-id`.
    pub(crate) id: String,
    /// When it came.
    pub(crate) at: Instant,
    /// The body.
    pub(crate) event: Value,
    /// The status that it was answered with.
    pub(crate) status: u16,
}

#[derive(Default)]
struct Seen {
    deliveries: Vec<Delivery>,
    /// The reference of the onboarding whose next event is refused.
    refused: Option<String>,
    /// Why requests were turned away.
    wrong: Vec<String>,
}

/// A server on 127.0.0.1, until it is dropped.
pub(crate) struct Receiver {
    url: String,
    seen: Arc<Mutex<Seen>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Receiver {
    /// Starts it.
    pub(crate) async fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/whatsapp/events", listener.local_addr()?);
        let seen = Arc::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&seen));
        Ok(Self { url, seen, server: tokio::spawn(async { axum::serve(listener, router).await }) })
    }

    /// Where it takes events.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The secrets as the workers' secret has them: the one in use, and the one before it.
    pub(crate) fn secrets() -> [String; 2] {
        SECRETS.map(|secret| format!("whsec_{}", BASE64_STANDARD.encode(secret)))
    }

    /// Answers 500 to the next event of the onboarding with this reference, once.
    pub(crate) fn refuse_next_of(&self, reference: &str) {
        self.seen().refused = Some(reference.to_owned());
    }

    /// Every delivery of an event, the first one first.
    pub(crate) fn deliveries_of(&self, id: &Value) -> Vec<Delivery> {
        self.seen().deliveries.iter().filter(|delivery| *id == delivery.id.as_str()).cloned().collect()
    }

    /// The first delivery that was refused.
    pub(crate) fn refused(&self) -> Option<Delivery> {
        self.seen().deliveries.iter().find(|delivery| delivery.status != 200).cloned()
    }

    /// The types of the events that were taken.
    pub(crate) fn types(&self) -> BTreeSet<String> {
        let seen = self.seen();
        let taken = seen.deliveries.iter().filter(|delivery| delivery.status == 200);
        taken.filter_map(|delivery| delivery.event["type"].as_str().map(ToOwned::to_owned)).collect()
    }

    /// An error names the requests that were not what an event's request has to be.
    pub(crate) fn has_turned_nobody_away(&self) -> Result<(), Error> {
        let wrong = self.seen().wrong.clone();
        if wrong.is_empty() { Ok(()) } else { Err(format!("turned away: {wrong:?}").into()) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut seen = lock(&seen);
    let (id, event) = match verified(&headers, &body, OffsetDateTime::now_utc()) {
        Ok(verified) => verified,
        Err(error) => {
            seen.wrong.push(error);
            return StatusCode::UNAUTHORIZED;
        }
    };
    let reference = event["data"]["onboarding"]["reference"].as_str();
    let is_refused = reference.is_some() && reference == seen.refused.as_deref();
    let status = if is_refused { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    if is_refused {
        seen.refused = None;
    }
    seen.deliveries.push(Delivery { id, at: Instant::now(), event, status: status.as_u16() });
    status
}

/// Id and event, if the request is signed with each secret by Standard Webhooks (standardwebhooks.com).
fn verified(headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> Result<(String, Value), String> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or_else(|| format!("no header {name}"))
    };
    if header("content-type")? != "application/json" {
        return Err(format!("content-type: {}", header("content-type")?));
    }
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let signed_at = timestamp.parse().ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let signed_at = signed_at.ok_or_else(|| format!("webhook-timestamp: {timestamp}"))?;
    if (now - signed_at).abs() > TOLERANCE {
        return Err(format!("signed at {signed_at}"));
    }
    let signatures: BTreeSet<&str> = header("webhook-signature")?.split(' ').collect();
    let expected = SECRETS.map(|secret| signature(secret, id, timestamp, body));
    if signatures != expected.iter().map(String::as_str).collect() {
        return Err(format!("{id} has {} signatures, and not those of both secrets", signatures.len()));
    }
    let event: Value = serde_json::from_slice(body).map_err(|error| format!("{id}: {error}"))?;
    if event["id"] == id { Ok((id.to_owned(), event)) } else { Err(format!("{id} names another event")) }
}

fn signature(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret);
    let mac = mac.map(|mac| mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body).finalize());
    mac.map(|mac| format!("v1,{}", BASE64_STANDARD.encode(mac.into_bytes()))).unwrap_or_default()
}
