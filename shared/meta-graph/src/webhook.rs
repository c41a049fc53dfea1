//! Meta's webhooks: the handshake, the signature, and `account_update`, which tells of a signup even when the browser is gone.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update>.

use exchange::signature::{self, PREFIX};
use exchange::{BusinessId, Lenient, List, Text, WabaId, object};
use secrecy::SecretString;
use serde::Deserialize;
use time::OffsetDateTime;

/// Whether the header `X-Hub-Signature-256` (`sha256=` and the hexadecimal HMAC-SHA256 of the raw body) was made with one of these
/// app secrets. An empty secret matches nothing.
pub fn verify_signature(header: &str, body: &[u8], secrets: &[&SecretString]) -> bool {
    header.trim().strip_prefix(PREFIX).is_some_and(|digits| signature::verify(digits, body, secrets))
}

/// The answer to Meta's handshake (`hub.mode`, `hub.verify_token`, `hub.challenge` of the query): the challenge, to be sent back as
/// plain text, or `None` if Meta does not know our verify token.
pub fn handshake<'a>(
    mode: Option<&str>,
    token: Option<&str>,
    challenge: Option<&'a str>,
    verify_token: &SecretString,
) -> Option<&'a str> {
    let known = exchange::secret_eq(token?, verify_token);
    challenge.filter(|_| known && mode == Some("subscribe"))
}

/// One `account_update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountUpdate {
    /// What happened.
    pub event: AccountEvent,
    /// When Meta says that it happened (`entry.time`).
    pub time: Option<OffsetDateTime>,
    /// The customer's WABA.
    pub waba_id: Option<WabaId>,
    /// The customer's portfolio.
    pub owner_business_id: Option<BusinessId>,
    /// The Multi-Partner Solution.
    pub solution_id: Option<String>,
}

/// What happened to an account. Meta knows many more than are told apart here, and adds to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountEvent {
    /// `PARTNER_ADDED`: a customer finished Embedded Signup.
    PartnerAdded,
    /// `PARTNER_APP_INSTALLED`: a customer granted the app access.
    PartnerAppInstalled,
    /// `PARTNER_REMOVED`: a customer left.
    PartnerRemoved,
    /// `PARTNER_APP_UNINSTALLED`: a customer took the app's access back.
    PartnerAppUninstalled,
    /// Any other, by its name.
    Other(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    entry: List<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// Unix time in seconds.
    time: Lenient<Option<i64>>,
    changes: List<Change>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    field: Lenient<String>,
    value: Lenient<UpdateShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UpdateShape {
    event: Lenient<Option<String>>,
    waba_info: Lenient<WabaShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "Meta's names")]
struct WabaShape {
    waba_id: Text<WabaId>,
    owner_business_id: Text<BusinessId>,
    solution_id: Text,
}

/// Every `account_update` of a webhook's body, in order. What cannot be read is left out: the body has been kept.
pub fn account_updates(body: &[u8]) -> Vec<AccountUpdate> {
    let envelope: Envelope = object(serde_json::from_slice(body).unwrap_or_default());
    let changes = envelope.entry.0.into_iter().flatten().flat_map(|entry| {
        let time = entry.time.0.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        entry.changes.0.unwrap_or_default().into_iter().map(move |change| (time, change))
    });
    let updates = changes.filter(|(_, change)| change.field.0 == "account_update");
    updates.filter_map(|(time, update)| update.value.0.read(time)).collect()
}

impl UpdateShape {
    fn read(self, time: Option<OffsetDateTime>) -> Option<AccountUpdate> {
        let Lenient(waba) = self.waba_info;
        let event = match self.event.0?.as_str() {
            "PARTNER_ADDED" => AccountEvent::PartnerAdded,
            "PARTNER_APP_INSTALLED" => AccountEvent::PartnerAppInstalled,
            "PARTNER_REMOVED" => AccountEvent::PartnerRemoved,
            "PARTNER_APP_UNINSTALLED" => AccountEvent::PartnerAppUninstalled,
            name => AccountEvent::Other(name.to_owned()),
        };
        Some(AccountUpdate {
            event,
            time,
            waba_id: waba.waba_id.0,
            owner_business_id: waba.owner_business_id.0,
            solution_id: waba.solution_id.0,
        })
    }
}
