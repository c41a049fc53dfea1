#![doc = include_str!("../README.md")]

mod assets;
mod error;
pub mod session;
mod token;
mod usage;
pub mod webhook;

use std::time::Duration;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

pub use assets::{PhoneNumber, Waba};
pub use error::MetaError;
pub use token::{BusinessToken, GranularScope, TokenInfo};

use error::{Failure, GraphError, ServiceError};
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

impl Meta {
    /// A client for this app. `http` comes from [`exchange::client`].
    pub fn new(http: reqwest::Client, app: MetaApp) -> Self {
        Self { http, app }
    }

    /// The id of this client's app.
    pub fn app_id(&self) -> &str {
        &self.app.app_id
    }

    /// Makes a reading call with `appsecret_proof`, and makes it again where that is likely to help.
    #[expect(clippy::disallowed_methods, reason = "sent to Meta, and struck out of its answers")]
    async fn get(&self, app_secret: &SecretString, call: Get<'_>) -> Result<Value, Failure> {
        let mut url = self.url(call.path);
        url.query_pairs_mut()
            .extend_pairs(call.query)
            .append_pair("appsecret_proof", &appsecret_proof(app_secret, call.bearer));
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
    fn url(&self, path: &[&str]) -> Url {
        exchange::below(&self.app.graph_url, [&*self.app.graph_version].into_iter().chain(path.iter().copied()))
    }
}

/// The one place where a request leaves: sends it once and takes the answer apart. `hidden` is struck out of whatever text Meta
/// answers with.
async fn send(route: &'static str, request: RequestBuilder, hidden: &[&str]) -> Result<Value, Failure> {
    let answer = exchange::send(request, "meta", route, LARGEST_ANSWER).await.map_err(Failure::Exchange)?;
    let usage = Usage::read(&answer.headers);
    if usage != Usage::default() {
        let (usage_percent, regain_minutes) = (usage.percent, usage.regain.map(time::Duration::whole_minutes));
        tracing::info!(service = "meta", route, usage_percent, regain_minutes, "usage");
    }
    let json = answer.json();
    let error = json.as_ref().and_then(|json| GraphError::read(json, hidden));
    match json {
        Some(json) if error.is_none() && answer.status.is_success() => Ok(json),
        _ if error.is_none() && answer.status.is_success() => Err(Failure::Unreadable),
        _ => Err(Failure::Refused(Box::new(ServiceError { status: answer.status, error, retry_after: usage.regain }))),
    }
}

/// The parameter that proves that a call with this token comes from the app's own server: hexadecimal HMAC-SHA256 of the token.
/// Source: <https://developers.facebook.com/docs/graph-api/guides/secure-requests>.
#[expect(clippy::disallowed_methods, reason = "only signed")]
fn appsecret_proof(app_secret: &SecretString, token: &SecretString) -> String {
    exchange::signature::sign(app_secret, token.expose_secret().as_bytes())
}

/// Waits before the try that follows `tries`: about 200 ms, then about 600 ms, each half of it to one and a half times as long.
async fn pause(tries: u32) {
    let wait = if tries == 1 { 200 } else { 600 };
    let jitter = fastrand::u32(0..=1000);
    tokio::time::sleep(Duration::from_millis(u64::from(wait / 2 + wait * jitter / 1000))).await;
}
