//! The messaging API, on the address that came with a channel's key: where the number's messages are sent, and whether the
//! key works.
//!
//! Sources: <https://docs.360dialog.com/docs/messaging-api/api-reference/webhooks>,
//! <https://docs.360dialog.com/partner/api-reference/messaging-health-status>

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use exchange::{Answer, Lenient, List, PhoneNumberId, Text, is_https_or_loopback, object};
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Host, Url};

use super::{SMALL, error};

/// The hosts to which an API key may be sent.
///
/// The address of the messaging API is not ours: it comes with each key. If we sent requests wherever such an answer
/// points, a forged or misread one would turn us into a tool against hosts that only we can reach (SSRF: metadata
/// services, the internal network) and hand the key to them. So the address must be `https` on a listed host or below a
/// listed domain. `http` is for tests: only on a loopback address, and only if that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Host>);

/// A setting that is no list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a comma-separated list of host names: {0}")]
pub struct InvalidHosts(String);

/// The messaging API. Cheap to clone.
#[derive(Clone)]
pub struct Messaging {
    http: reqwest::Client,
    allowed_hosts: AllowedHosts,
}

/// One call below the address that came with the key.
struct Call {
    method: Method,
    /// For the log.
    route: &'static str,
    path: &'static [&'static str],
}

const SET_WEBHOOK: Call = Call { method: Method::POST, route: "POST /v1/configs/webhook", path: &WEBHOOK };
const GET_WEBHOOK: Call = Call { method: Method::GET, route: "GET /v1/configs/webhook", path: &WEBHOOK };
const GET_HEALTH: Call = Call { method: Method::GET, route: "GET /health_status", path: &["health_status"] };
const WEBHOOK: [&str; 3] = ["v1", "configs", "webhook"];

/// Where a number's messages are sent.
#[derive(Debug, Clone)]
pub struct MessageWebhook {
    /// `https`, without a port and without an underscore in the host: 360dialog refuses others.
    pub url: Url,
    /// Headers that are sent along, such as one by which the receiver knows its sender.
    pub headers: BTreeMap<String, SecretString>,
}

#[derive(Serialize)]
struct WebhookRequest<'a> {
    url: &'a Url,
    headers: BTreeMap<&'a str, &'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WebhookAnswer {
    url: Text,
}

/// What a key turned out to be good for: it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Meta's id of the phone number that the key is for, where the messaging API names it.
    pub phone_number_id: Option<PhoneNumberId>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HealthAnswer {
    health_status: Lenient<Option<HealthShape>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HealthShape {
    entities: List<EntityShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EntityShape {
    entity_type: Text,
    id: Text<PhoneNumberId>,
}

/// Why a call did not succeed. The reasons are for the operator, at most 300 characters.
///
/// Refusals are the messaging API's only in its own words, its error envelope: a proxy's answer says nothing of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessagingError {
    /// Try again later: 408, 429, 5xx, any status that is not in the messaging API's own words, no answer, or one that
    /// cannot be read. Every call is safe to repeat.
    #[error("try again later: {reason}")]
    Retry {
        /// What happened.
        reason: String,
    },
    /// 401 or 403: the key does not work (any more). A newer key revokes it.
    #[error("the messaging API refuses the key")]
    KeyRefused,
    /// Any other 4xx: the same request will not succeed.
    #[error("the messaging API refused with {status}: {reason}")]
    Permanent {
        /// The HTTP status.
        status: u16,
        /// What the messaging API said.
        reason: String,
    },
    /// The address is not on an allowed host; nothing was sent.
    #[error("the address of the messaging API is not on an allowed host")]
    ForbiddenAddress,
}

impl Default for AllowedHosts {
    /// `360dialog.io` and everything below it.
    fn default() -> Self {
        Self(vec![Host::Domain("360dialog.io".to_owned())])
    }
}

impl FromStr for AllowedHosts {
    type Err = InvalidHosts;

    /// Reads a comma-separated list of domains and IP addresses, such as `360dialog.io, 127.0.0.1`. No ports, no
    /// wildcards.
    fn from_str(list: &str) -> Result<Self, InvalidHosts> {
        let entries = list.split(',').map(str::trim);
        let hosts: Result<_, _> = entries
            .map(|entry| match Host::parse(entry) {
                Ok(Host::Domain(domain)) if domain.contains('*') || domain.ends_with('.') => Err(()),
                Ok(host) => Ok(host),
                Err(_) => Err(()),
            })
            .collect();
        hosts.map(Self).map_err(|()| InvalidHosts(list.to_owned()))
    }
}

impl fmt::Display for AllowedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.0.iter().map(Host::to_string).collect();
        f.write_str(&hosts.join(","))
    }
}

impl AllowedHosts {
    /// Whether a key may be sent to `address`.
    pub fn allow(&self, address: &Url) -> bool {
        let Some(host) = address.host().map(|host| host.to_owned()) else { return false };
        let listed = self.0.iter().any(|allowed| match (allowed, &host) {
            (Host::Domain(allowed), Host::Domain(host)) => {
                host.strip_suffix(allowed.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (allowed, host) => allowed == host,
        });
        is_https_or_loopback(address) && listed && address.username().is_empty() && address.password().is_none()
    }
}

impl Messaging {
    /// A client that sends keys to `allowed_hosts` only.
    pub fn new(http: reqwest::Client, allowed_hosts: AllowedHosts) -> Self {
        Self { http, allowed_hosts }
    }

    /// Whether keys may be sent to this address.
    pub fn allows(&self, address: &Url) -> bool {
        self.allowed_hosts.allow(address)
    }

    /// `POST {address}/v1/configs/webhook` with `{url, headers}`: sends the number's messages to `webhook`, and nowhere
    /// else any more. Safe to repeat.
    #[expect(clippy::disallowed_methods, reason = "sent to the messaging API, and struck out of its answers")]
    pub async fn set_webhook(
        &self,
        address: &Url,
        key: &SecretString,
        webhook: &MessageWebhook,
    ) -> Result<(), MessagingError> {
        let headers: BTreeMap<_, _> =
            webhook.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        let secrets: Vec<&str> = headers.values().copied().chain([key.expose_secret()]).collect();
        let body = json!(WebhookRequest { url: &webhook.url, headers });
        let answer = self.send(SET_WEBHOOK, address, key, Some(&body)).await?;
        classify(&answer, &secrets)?;
        if is_readable(&answer) {
            return Ok(());
        }
        // Perhaps of something on the way there, which a customer's messages would be lost to.
        match self.webhook(address, key).await? {
            Some(url) if url == webhook.url.as_str() => Ok(()),
            _ => Err(not_json()),
        }
    }

    /// `GET {address}/v1/configs/webhook` → `{url, headers}`: where the number's messages are sent; `None` if nowhere,
    /// which the page does not show, so that an answer without a URL and a 404 in the API's own words both mean it.
    #[expect(clippy::disallowed_methods, reason = "struck out of the answer")]
    pub async fn webhook(&self, address: &Url, key: &SecretString) -> Result<Option<String>, MessagingError> {
        let answer = self.send(GET_WEBHOOK, address, key, None).await?;
        match classify(&answer, &[key.expose_secret()]) {
            Err(MessagingError::Permanent { status: 404, .. }) => return Ok(None),
            outcome => outcome?,
        }
        if !is_readable(&answer) {
            return Err(not_json());
        }
        let WebhookAnswer { url } = object(answer.json().unwrap_or_default());
        Ok(url.0)
    }

    /// `GET {address}/health_status` → `{health_status: {can_send_message, entities: [{entity_type, id, …}]}}`: that the
    /// key works, and the number that it is for. Whether the number may send is Meta's matter and not looked at.
    ///
    /// Where that call does not answer so, [`webhook`](Self::webhook) decides, which every key opens: whether the key
    /// works, but not for which number.
    pub async fn health(&self, address: &Url, key: &SecretString) -> Result<Health, MessagingError> {
        let answer = self.send(GET_HEALTH, address, key, None).await?;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(MessagingError::Retry { reason: "too many requests".to_owned() });
        }
        let shape: HealthAnswer = object(answer.json().filter(|_| answer.status.is_success()).unwrap_or_default());
        let Some(HealthShape { entities }) = shape.health_status.0 else {
            return self.webhook(address, key).await.map(|_| Health { phone_number_id: None });
        };
        let mut entities = entities.0.unwrap_or_default().into_iter();
        let number = entities.find(|entity| entity.entity_type.0.as_deref() == Some("PHONE_NUMBER"));
        Ok(Health { phone_number_id: number.and_then(|number| number.id.0) })
    }

    #[expect(clippy::disallowed_methods, reason = "sent to the messaging API")]
    async fn send(
        &self,
        call: Call,
        address: &Url,
        key: &SecretString,
        body: Option<&Value>,
    ) -> Result<Answer, MessagingError> {
        if !self.allows(address) {
            return Err(MessagingError::ForbiddenAddress);
        }
        // A key that cannot stand in a header is as good as a refused one.
        let mut key = HeaderValue::from_str(key.expose_secret()).map_err(|_| MessagingError::KeyRefused)?;
        key.set_sensitive(true);
        let url = exchange::below(address, call.path.iter().copied());
        let mut request = self.http.request(call.method, url).header("D360-API-KEY", key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let sent = exchange::send(request, "messaging", call.route, SMALL).await;
        sent.map_err(|failure| MessagingError::Retry { reason: failure.to_string() })
    }
}

/// Whether the body is JSON, or empty.
fn is_readable(answer: &Answer) -> bool {
    answer.is_empty() || answer.json().is_some()
}

fn not_json() -> MessagingError {
    MessagingError::Retry { reason: "the answer is not JSON".to_owned() }
}

fn classify(answer: &Answer, secrets: &[&str]) -> Result<(), MessagingError> {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Ok(());
    }
    let json = answer.json();
    let reason = error::reason_without(secrets, status, json.as_ref());
    match status {
        401 | 403 if is_own_words(json.as_ref()) => Err(MessagingError::KeyRefused),
        status if error::is_final(status) && is_own_words(json.as_ref()) => {
            Err(MessagingError::Permanent { status, reason })
        }
        _ => Err(MessagingError::Retry { reason }),
    }
}

/// Whether an answer is the messaging API's own: `{"error": text or object}`, or the Hub's envelope.
fn is_own_words(body: Option<&Value>) -> bool {
    let error = body.and_then(|body| body.get("error"));
    error.is_some_and(|error| error.is_string() || error.is_object()) || error::is_own_words(body)
}
