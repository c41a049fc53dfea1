#![doc = include_str!("../README.md")]

mod api_keys;
mod cancellation;
mod channels;
mod clients;
mod credentials;
mod error;
pub mod messaging;
mod numbers;
pub mod signature;
pub mod webhook;
mod webhook_url;

pub use api_keys::{ApiKey, ListedKey};
pub use channels::{Channel, ChannelStage, ChannelsPage};
pub use clients::{Client, ClientDetails, ClientsPage};
pub use credentials::{Authorization, HubCredentials, HubToken};
pub use error::{HubError, Trouble};
pub use numbers::NumberSubmission;

use exchange::{Answer, Clock};
use reqwest::Method;
use serde_json::Value;
use url::Url;

/// The largest small answer that is read, in bytes.
const SMALL: usize = 1 << 20;
/// The largest list that is read, in bytes: 200 channels take about half a megabyte.
const LIST: usize = 8 << 20;
/// How many entries we ask a list for; larger pages are not known to work
/// (<https://docs.360dialog.com/partner/partner-api/api-reference/client-management>).
const PAGE: u32 = 200;

/// The Partner API of one partner. Cheap to clone; clones share their connections.
///
/// Every method makes one call.
#[derive(Clone)]
pub struct Hub {
    http: reqwest::Client,
    base_url: Url,
    partner_id: String,
    clock: Clock,
    client_filter: Option<String>,
}

/// One call below `/partners/{partner_id}`.
struct Call<'a> {
    method: Method,
    /// For the log: the route without its ids.
    route: &'static str,
    /// The segments after the partner's id.
    path: &'a [&'a str],
    query: &'a [(&'a str, String)],
    body: Option<&'a Value>,
}

impl Hub {
    /// A client of the Hub at `base_url` (which ends in the API's version, such as `/api/v2`) for the partner
    /// `partner_id`.
    pub fn new(http: reqwest::Client, base_url: Url, partner_id: String, clock: Clock) -> Self {
        let client_filter = Some("contact_info.email".to_owned());
        Self { http, base_url, partner_id, clock, client_filter }
    }

    /// Looks client accounts up by another of the Hub's filters, or by none: then every account is read. The default is
    /// `contact_info.email`.
    #[must_use]
    pub fn with_client_filter(self, client_filter: Option<String>) -> Self {
        Self { client_filter, ..self }
    }

    /// Makes one call and returns its answer as JSON; an answer without a body is `null`.
    async fn call(&self, authorization: &Authorization, call: Call<'_>) -> Result<Value, HubError> {
        let answer = self.send(&call, authorization).await?;
        into_json(&answer, call.has_effect())
    }

    async fn send(&self, call: &Call<'_>, authorization: &Authorization) -> Result<Answer, HubError> {
        let path = ["partners", &self.partner_id].into_iter().chain(call.path.iter().copied());
        let url = exchange::below(&self.base_url, path);
        let (name, value) = authorization.header()?;
        let mut request = self.http.request(call.method.clone(), url).header(name, value);
        if !call.query.is_empty() {
            request = request.query(call.query);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let sent = exchange::send(request, "hub", call.route, call.cap()).await;
        sent.map_err(|failure| HubError::from_failure(failure, call.has_effect()))
    }
}

impl Call<'_> {
    fn has_effect(&self) -> bool {
        self.method != Method::GET
    }

    /// The largest answer that is read. Lists are what has a query.
    fn cap(&self) -> usize {
        if self.query.is_empty() { SMALL } else { LIST }
    }
}

/// The parameters of one page of a list. All three are documented for clients and channels alike.
fn page(offset: u32, sort: &str) -> Vec<(&'static str, String)> {
    vec![("limit", PAGE.to_string()), ("offset", offset.to_string()), ("sort", sort.to_owned())]
}

/// The offset of the page that follows a page of `count` entries at `offset`, if there is one.
///
/// `total` and `limit` are documented, but an answer without them is read as well: then a page that is not full is the
/// last one.
fn next_offset(offset: u32, count: usize, total: Option<u64>, limit: Option<u64>) -> Option<u32> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let next = offset.saturating_add(count);
    let more = match (total, limit) {
        (Some(total), _) => u64::from(next) < total,
        (None, Some(limit)) if limit > 0 => u64::from(count) >= limit,
        (None, _) => count >= PAGE,
    };
    (more && count > 0).then_some(next)
}

/// The entries of a list that can be read, and how many others there are, which must hide none of them.
fn readable<S, T>(entries: Vec<S>, read: impl FnMut(S) -> Option<T>) -> (Vec<T>, usize) {
    let all = entries.len();
    let read: Vec<T> = entries.into_iter().filter_map(read).collect();
    let unreadable = all - read.len();
    if unreadable > 0 {
        tracing::warn!(service = "hub", unreadable, "entries of a list cannot be read");
    }
    (read, unreadable)
}

/// The Hub's answer as JSON if it is a success. An empty body is `null`; `has_effect`: the call changes something.
fn into_json(answer: &Answer, has_effect: bool) -> Result<Value, HubError> {
    let json = answer.json();
    let status = error::status(answer.status.as_u16(), json.as_ref());
    match json {
        _ if !(200..300).contains(&status) => {
            Err(HubError::from_answer(status, json.as_ref(), answer.retry_after(), has_effect))
        }
        Some(json) => Ok(json),
        None if answer.is_empty() => Ok(Value::Null),
        None => Err(HubError::unreadable("the answer is not JSON".to_owned(), has_effect)),
    }
}
