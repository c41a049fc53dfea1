//! Meta: the Graph API (code exchange, token inspection, the WABA and its numbers), what Embedded Signup's popup reports,
//! and Meta's webhooks.
//!
//! Access tokens travel in the `Authorization` header. The one exception is Meta's own: `debug_token` takes the token that it
//! inspects from the query. Therefore no URL of this module is ever logged or part of an error.

mod assets;
mod error;
mod proof;
pub mod session;
mod token;
mod usage;
pub mod webhook;

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::config::MetaConfig;

pub use assets::Waba;
pub use error::MetaError;
pub use token::{BusinessToken, GranularScope, TokenInfo};

use error::{Failure, GraphError, Refusal};
use usage::Usage;

/// How often an idempotent call is made before its caller hears of a failure.
const TRIES: u32 = 3;
/// An answer larger than this is not read: a hundred phone numbers take a twentieth of it.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The partner's app at Meta.
#[derive(Debug, Clone)]
pub struct MetaApp {
    /// Where the Graph API is, such as `https://graph.facebook.com`.
    pub graph_url: Url,
    /// Its version, such as `v25.0`.
    pub graph_version: String,
    /// The app's id.
    pub app_id: String,
}

/// Client of the Graph API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Meta {
    http: reqwest::Client,
    app: MetaApp,
}

/// One reading call.
struct Get<'a> {
    /// For the log: method and path with the names of its parts, never their values.
    route: &'static str,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    bearer: &'a SecretString,
}

impl From<&MetaConfig> for MetaApp {
    fn from(config: &MetaConfig) -> Self {
        let MetaConfig { graph_url, graph_version, app_id } = config.clone();
        Self { graph_url, graph_version, app_id }
    }
}

impl Meta {
    /// A client for this app. `http` comes from [`crate::outbound::client`].
    pub fn new(http: reqwest::Client, app: MetaApp) -> Self {
        Self { http, app }
    }

    /// Makes a reading call with `appsecret_proof`, and makes it again where that is likely to help.
    async fn get(&self, app_secret: &SecretString, call: Get<'_>) -> Result<Value, Failure> {
        let mut url = self.url(call.path)?;
        url.query_pairs_mut()
            .extend_pairs(call.query)
            .append_pair("appsecret_proof", &proof::appsecret_proof(app_secret, call.bearer));
        let mut hidden = vec![app_secret.expose_secret(), call.bearer.expose_secret()];
        hidden.extend(call.query.iter().filter(|(name, _)| *name == "input_token").map(|(_, value)| *value));

        let mut tries = 1;
        loop {
            let request = self.http.get(url.clone()).bearer_auth(call.bearer.expose_secret());
            match send(call.route, request, &hidden).await {
                Err(failure) if tries < TRIES && failure.may_pass_soon() => pause(tries).await,
                outcome => return outcome,
            }
            tries += 1;
        }
    }

    /// The address of `path` under the Graph API's version.
    fn url(&self, path: &[&str]) -> Result<Url, Failure> {
        let mut url = self.app.graph_url.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().push(&self.app.graph_version).extend(path);
            }
            Err(()) => return Err(Failure::NotBuilt("the Graph API's URL cannot have a path".to_owned())),
        }
        Ok(url)
    }
}

/// The one place where a request leaves: sends it once, logs it, and takes the answer apart. `hidden` is struck out of whatever
/// text Meta answers with.
async fn send(route: &'static str, request: RequestBuilder, hidden: &[&str]) -> Result<Value, Failure> {
    let start = Instant::now();
    let (status, usage, body) = match request.send().await {
        Ok(response) => {
            let (status, usage) = (response.status(), Usage::read(response.headers()));
            (Some(status), usage, read(response).await)
        }
        Err(error) => (None, Usage::default(), Err(error.into())),
    };
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        service = "meta",
        route,
        status = status.map(|status| status.as_u16()),
        failure = body.as_ref().err().map(Failure::kind),
        milliseconds,
        usage_percent = usage.percent,
        regain_minutes = usage.regain.map(time::Duration::whole_minutes),
        "call"
    );
    let answer = serde_json::from_slice::<Value>(&body?).ok();
    let status = status.unwrap_or_default();
    let error = answer.as_ref().and_then(|answer| GraphError::read(answer, hidden));
    match answer {
        Some(answer) if error.is_none() && status.is_success() => Ok(answer),
        _ if error.is_none() && status.is_success() => Err(Failure::Unreadable),
        _ => Err(Failure::Refused(Box::new(Refusal { status, error, retry_after: usage.regain }))),
    }
}

/// The body of an answer, unless it is unreasonably large.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Failure::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Waits before the try that follows `tries`: about 200 ms, then about 600 ms, each half of it to one and a half times as long.
async fn pause(tries: u32) {
    let wait = if tries == 1 { 200 } else { 600 };
    let jitter = getrandom::u32().map_or(500, |random| random % 1001);
    tokio::time::sleep(Duration::from_millis(u64::from(wait / 2 + wait * jitter / 1000))).await;
}

/// A text, or a number as text (ids were numbers in earlier answers of Meta's). What is empty counts as absent.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The first `characters` of a text, on one line: control characters take many bytes as JSON, and nobody can read them.
fn shorten(text: &str, characters: usize) -> String {
    text.chars().take(characters).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
