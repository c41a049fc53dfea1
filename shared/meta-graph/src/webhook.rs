//! Meta's webhooks: the handshake, the signature, and `account_update`, which tells of a signup even when the browser is gone.
//!
//! An app has one callback address for all its fields: customers' messages, histories and address books arrive there too.
//! Therefore a body is split into its changes, of which only those of [`ACCOUNT_UPDATE`] are worth keeping.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update>.

use exchange::signature::{self, PREFIX};
use exchange::{BusinessId, Lenient, List, Text, WabaId, json, json_text, object, one_line};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;

/// The field that tells of signups and of their end.
pub const ACCOUNT_UPDATE: &str = "account_update";
/// The longest name of an event that is taken as such, in characters.
const LONGEST_NAME: usize = 200;

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

/// One change of a webhook, not yet looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawChange {
    /// What kind of change it is, such as [`ACCOUNT_UPDATE`] or `messages`; `None` if that cannot be read.
    pub field: Option<String>,
    /// The change alone, in the outer shape of the whole: `{"object", "entry": [{"id", "time", "changes": […]}]}`. What
    /// cannot be read is as it came.
    pub body: String,
}

/// The outer shape.
#[derive(Deserialize, Serialize)]
struct Outer<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize, Serialize)]
struct OuterEntry<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
}

/// Splits a webhook into its changes, in order. What is no webhook, no entry or no change is one change without a field. A
/// webhook that holds one change and nothing else stays as it came.
pub fn split(body: &[u8]) -> Vec<RawChange> {
    let body = json_text(body);
    let unreadable = |text: &str| vec![RawChange { field: None, body: text.to_owned() }];
    // serde would read a list as an object, by the order of its members.
    let Some(outer) = is_object(&body).then(|| serde_json::from_str::<Outer<'_>>(&body).ok()).flatten() else {
        return unreadable(&body);
    };
    let changes = |entry: &&RawValue| {
        let text = entry.get();
        let read = is_object(text).then(|| serde_json::from_str::<OuterEntry<'_>>(text).ok()).flatten();
        read.map_or_else(|| unreadable(text), |read| read.split(outer.object))
    };
    let mut changes: Vec<_> = outer.entry.iter().flat_map(changes).collect();
    if let [change] = changes.as_mut_slice()
        && json(change.body.as_bytes()) == json(body.as_bytes())
    {
        (*body).clone_into(&mut change.body);
    }
    changes
}

fn is_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

impl OuterEntry<'_> {
    fn split(&self, object: Option<&RawValue>) -> Vec<RawChange> {
        self.changes.iter().map(|change| self.alone(change, object)).collect()
    }

    fn alone(&self, change: &RawValue, object: Option<&RawValue>) -> RawChange {
        #[derive(Deserialize)]
        struct WithField {
            field: Text,
        }
        let field = is_object(change.get()).then(|| serde_json::from_str::<WithField>(change.get()).ok()).flatten();
        let entry = OuterEntry { id: self.id, time: self.time, changes: vec![change] };
        let outer = serde_json::value::to_raw_value(&entry)
            .and_then(|entry| serde_json::to_string(&Outer { object, entry: vec![&entry] }));
        let body = outer.unwrap_or_else(|_| change.get().to_owned());
        RawChange { field: field.and_then(|field| field.field.0), body }
    }
}

/// One `account_update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountUpdate {
    /// What happened.
    pub event: AccountEvent,
    /// When Meta says that it happened (`entry.time`).
    pub time: Option<OffsetDateTime>,
    /// The customer's WABA. Where a customer left, the one that the whole entry is about, if no other is named; that may
    /// also be the id of a portfolio, which then is no WABA of anybody's.
    pub waba_id: Option<WabaId>,
    /// The customer's portfolio.
    pub owner_business_id: Option<BusinessId>,
    /// The Multi-Partner Solution. Never named by `PARTNER_APP_UNINSTALLED`.
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
    id: Text<WabaId>,
    time: Text<i64>,
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
    let envelope: Envelope = object(json(body).unwrap_or_default());
    envelope.entry.0.into_iter().flatten().flat_map(Entry::read).collect()
}

impl Entry {
    fn read(self) -> Vec<AccountUpdate> {
        let Self { id: Text(id), time: Text(time), changes: List(changes) } = self;
        let time = time.and_then(|time| OffsetDateTime::from_unix_timestamp(time).ok());
        let changes = changes.into_iter().flatten().filter(|change| change.field.0 == ACCOUNT_UPDATE);
        changes.filter_map(|change| change.value.0.read(time, id.as_ref())).collect()
    }
}

impl UpdateShape {
    /// The update of an entry, which names a time and an id.
    fn read(self, time: Option<OffsetDateTime>, id: Option<&WabaId>) -> Option<AccountUpdate> {
        let Lenient(waba) = self.waba_info;
        let event = match self.event.0?.as_str() {
            "PARTNER_ADDED" => AccountEvent::PartnerAdded,
            "PARTNER_APP_INSTALLED" => AccountEvent::PartnerAppInstalled,
            "PARTNER_REMOVED" => AccountEvent::PartnerRemoved,
            "PARTNER_APP_UNINSTALLED" => AccountEvent::PartnerAppUninstalled,
            name => AccountEvent::Other(one_line(name, LONGEST_NAME)),
        };
        let left = matches!(event, AccountEvent::PartnerRemoved | AccountEvent::PartnerAppUninstalled);
        Some(AccountUpdate {
            event,
            time,
            waba_id: waba.waba_id.0.or_else(|| id.filter(|_| left).cloned()),
            owner_business_id: waba.owner_business_id.0,
            solution_id: waba.solution_id.0,
        })
    }
}
