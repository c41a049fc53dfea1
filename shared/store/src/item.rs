//! Keys, and the way between items and our types.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::{ChannelId, EventId, ImportId, OnboardingId, PhoneNumberId, WabaId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::macros::format_description;

use super::StoreError;
use super::inbox::InboxKey;
use super::report::Reported;

/// The shape of the items that this release writes, and the only one it reads.
pub(crate) const SHAPE: u32 = 2;
/// The partition of the indexes `by_creation` and `by_change`.
pub(crate) const LISTED: &str = "ONB";
/// The partition of `by_creation` of signups that no onboarding has.
pub(crate) const LISTED_SIGNUPS: &str = "SIGNUP";
/// What the sort keys of hints begin with.
pub(crate) const HINT_PREFIX: &str = "HINT#";
/// What the sort keys of history items begin with.
pub const EVENT_PREFIX: &str = "EVT#";

/// What the sort keys of deliveries begin with.
pub(crate) const DELIVERY_PREFIX: &str = "DLV#";
/// What the sort keys of the channels of an import begin with.
pub(crate) const IMPORTED_PREFIX: &str = "CHANNEL#";
/// The partition of what belongs to no onboarding and is told, and of the partner's webhook.
pub(crate) const STACK: &str = "STACK";

/// The sort key of what is to be done for a webhook.
pub(crate) const WORK: &str = "WORK";
/// The sort key of the token of a signup that is being confirmed.
pub(crate) const TOKEN: &str = "TOKEN";
/// The sort key of what reminds of a new key that takes too long.
pub(crate) const ROTATION: &str = "ROTATION";
/// The sort key of the note that the rest of an onboarding is to be erased.
pub(crate) const ERASURE: &str = "ERASURE";
/// The sort key of what stands for a record that was deleted.
pub(crate) const DELETED: &str = "DELETED";

const ONBOARDING_PREFIX: &str = "ONB#";
const INBOX_PREFIX: &str = "INBOX#";
const IMPORT_PREFIX: &str = "IMPORT#";
const SIGNUP_PREFIX: &str = "SIGNUP#";

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The primary key of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn onboarding(id: &OnboardingId) -> Self {
        Self { pk: format!("{ONBOARDING_PREFIX}{id}"), sk: "ONB".to_owned() }
    }

    /// Sorts in the order of versions: times of one record never go back, and equal ones are told apart by the version. The id of
    /// the event that the entry is, if it is one, leads from the entry's key to its delivery.
    pub(crate) fn entry(
        id: &OnboardingId,
        at: OffsetDateTime,
        version: u64,
        event: Option<&EventId>,
    ) -> Result<Self, StoreError> {
        let key = Self::onboarding(id);
        let event = event.map(|event| format!("#{event}")).unwrap_or_default();
        Ok(Self { sk: format!("{EVENT_PREFIX}{}#{version:010}{event}", entry_time(&key.pk, at)?), ..key })
    }

    /// The entry of an event that is of no onboarding.
    pub(crate) fn stack_entry(at: OffsetDateTime, event: &EventId) -> Result<Self, StoreError> {
        Ok(Self { pk: STACK.to_owned(), sk: format!("{EVENT_PREFIX}{}#{event}", entry_time(STACK, at)?) })
    }

    /// How the telling of an event goes. `onboarding`: whose it is.
    pub(crate) fn delivery(onboarding: Option<&OnboardingId>, event: &EventId) -> Self {
        let pk = onboarding.map_or_else(|| STACK.to_owned(), |id| Self::onboarding(id).pk);
        Self { pk, sk: format!("{DELIVERY_PREFIX}{event}") }
    }

    /// What is known of the partner's webhook.
    pub(crate) fn endpoint() -> Self {
        Self { pk: STACK.to_owned(), sk: "ENDPOINT".to_owned() }
    }

    /// How far the events are that are told once more.
    pub(crate) fn replay() -> Self {
        Self { pk: STACK.to_owned(), sk: "REPLAY".to_owned() }
    }

    pub(crate) fn number(phone_number_id: &PhoneNumberId) -> Self {
        Self { pk: format!("NUMBER#{phone_number_id}"), sk: "OWNER".to_owned() }
    }

    pub(crate) fn channel(channel_id: &ChannelId) -> Self {
        Self { pk: format!("CHANNEL#{channel_id}"), sk: "OWNER".to_owned() }
    }

    pub(crate) fn inbox(key: &InboxKey) -> Self {
        Self { pk: format!("{INBOX_PREFIX}{key}"), sk: "INBOX".to_owned() }
    }

    /// What is to be done for a webhook. An item of its own, so that only the webhook itself wakes the dispatcher.
    pub(crate) fn inbox_work(key: &InboxKey) -> Self {
        Self { sk: WORK.to_owned(), ..Self::inbox(key) }
    }

    /// What is left of a webhook that is not kept. No sort key of the stream's filter, so that it wakes nobody.
    pub(crate) fn inbox_seen(key: &InboxKey) -> Self {
        Self { sk: "SEEN".to_owned(), ..Self::inbox(key) }
    }

    pub(crate) fn idempotency(key_sha256: &str) -> Self {
        Self { pk: format!("IDEM#{key_sha256}"), sk: "IDEM".to_owned() }
    }

    pub(crate) fn code(code_sha256: &str) -> Self {
        Self { pk: format!("CODE#{code_sha256}"), sk: "CODE".to_owned() }
    }

    pub(crate) fn search(email_sha256: &str) -> Self {
        Self { pk: format!("SEARCH#{email_sha256}"), sk: "SEARCH".to_owned() }
    }

    pub(crate) fn known_client(email_sha256: &str) -> Self {
        Self { pk: format!("EMAIL#{email_sha256}"), sk: "CLIENT".to_owned() }
    }

    pub(crate) fn popup(id: &OnboardingId) -> Self {
        Self { sk: "POPUP".to_owned(), ..Self::onboarding(id) }
    }

    /// When the page was last looked at.
    pub(crate) fn last_seen(id: &OnboardingId) -> Self {
        Self { sk: "SEEN".to_owned(), ..Self::onboarding(id) }
    }

    /// What reminds reconciliation of a new key that takes too long.
    pub(crate) fn rotation(id: &OnboardingId) -> Self {
        Self { sk: ROTATION.to_owned(), ..Self::onboarding(id) }
    }

    /// What puts an onboarding on the list of those that are overdue.
    pub(crate) fn overdue(id: &OnboardingId) -> Self {
        Self { sk: "OVERDUE".to_owned(), ..Self::onboarding(id) }
    }

    /// The token of the signup that is being confirmed.
    pub(crate) fn token(id: &OnboardingId) -> Self {
        Self { sk: TOKEN.to_owned(), ..Self::onboarding(id) }
    }

    /// The note that the rest of an onboarding is to be erased.
    pub(crate) fn erasure(id: &OnboardingId) -> Self {
        Self { sk: ERASURE.to_owned(), ..Self::onboarding(id) }
    }

    /// What stands for a record that was deleted, until the rest of its onboarding is deleted too.
    pub(crate) fn deleted(id: &OnboardingId) -> Self {
        Self { sk: DELETED.to_owned(), ..Self::onboarding(id) }
    }

    /// An onboarding's hold of a WABA.
    pub(crate) fn waba(waba_id: &WabaId, id: &OnboardingId) -> Self {
        Self { pk: waba_pk(waba_id), sk: id.to_string() }
    }

    pub(crate) fn unclaimed(waba_id: &WabaId) -> Self {
        Self { pk: format!("{SIGNUP_PREFIX}{waba_id}"), sk: "SIGNUP".to_owned() }
    }

    /// What the page of an onboarding said of a WABA.
    pub(crate) fn hint(waba_id: &WabaId, id: &OnboardingId) -> Self {
        Self { sk: format!("{HINT_PREFIX}{id}"), ..Self::unclaimed(waba_id) }
    }

    pub(crate) fn import(id: &ImportId) -> Self {
        Self { pk: format!("{IMPORT_PREFIX}{id}"), sk: "IMPORT".to_owned() }
    }

    /// A channel of an import.
    pub(crate) fn imported(id: &ImportId, channel_id: &ChannelId) -> Self {
        Self { sk: format!("{IMPORTED_PREFIX}{channel_id}"), ..Self::import(id) }
    }

    pub(crate) fn seen(channel_id: &ChannelId) -> Self {
        Self { sk: "SEEN".to_owned(), ..Self::channel(channel_id) }
    }

    pub(crate) fn report(about: Reported<'_>, what: &str) -> Self {
        let pk = match about {
            Reported::Channel(id) => Self::channel(id).pk,
            Reported::Client(id) => format!("CLIENT#{id}"),
        };
        Self { pk, sk: format!("REPORT#{what}") }
    }

    pub(crate) fn sweep() -> Self {
        Self { pk: "SWEEP#hub".to_owned(), sk: "SWEEP".to_owned() }
    }

    pub(crate) fn hub_token() -> Self {
        Self { pk: "TOKEN#hub".to_owned(), sk: "TOKEN".to_owned() }
    }

    pub(crate) fn overdue_look() -> Self {
        Self { pk: "LOOK#overdue".to_owned(), sk: "LOOK".to_owned() }
    }

    pub(crate) fn retention_look() -> Self {
        Self { pk: "LOOK#retention".to_owned(), sk: "LOOK".to_owned() }
    }

    pub(crate) fn heard() -> Self {
        Self { pk: "HEARD#partner_hub".to_owned(), sk: "HEARD".to_owned() }
    }

    pub(crate) fn limit() -> Self {
        Self { pk: "LIMIT#hub".to_owned(), sk: "LIMIT".to_owned() }
    }

    pub(crate) fn warm() -> Self {
        Self { pk: "WARM".to_owned(), sk: "WARM".to_owned() }
    }

    /// The key of an item that was read.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        Some(Self { pk: text(item, "pk")?.to_owned(), sk: text(item, "sk")?.to_owned() })
    }

    pub(crate) fn attributes(self) -> Item {
        Item::from([("pk".to_owned(), s(self.pk)), ("sk".to_owned(), s(self.sk))])
    }
}

/// The `pk` of every hold of a WABA.
pub(crate) fn waba_pk(waba_id: &WabaId) -> String {
    format!("WABA#{waba_id}")
}

fn entry_time(pk: &str, at: OffsetDateTime) -> Result<String, StoreError> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.to_offset(time::UtcOffset::UTC).format(format).map_err(|error| unreadable(pk, &error))
}

/// The event of an item with this sort key: an entry that is one, or a delivery.
pub(crate) fn event_id(sk: &str) -> Option<EventId> {
    match sk.strip_prefix(DELIVERY_PREFIX) {
        Some(id) => id.parse().ok(),
        None => sk.strip_prefix(EVENT_PREFIX)?.rsplit('#').next()?.parse().ok(),
    }
}

/// The onboarding whose item has this `pk`.
pub(crate) fn onboarding_id(pk: &str) -> Option<OnboardingId> {
    pk.strip_prefix(ONBOARDING_PREFIX)?.parse().ok()
}

/// The import whose item has this `pk`.
pub(crate) fn import_id(pk: &str) -> Option<ImportId> {
    pk.strip_prefix(IMPORT_PREFIX)?.parse().ok()
}

/// The inbox entry whose item has this `pk`.
pub(crate) fn inbox_key(pk: &str) -> Option<InboxKey> {
    pk.strip_prefix(INBOX_PREFIX)?.parse().ok()
}

/// An item of the present shape under `key`.
pub(crate) fn write<T: Serialize>(key: Key, attributes: &T) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(attributes).map_err(|error| unreadable(&key.pk, &error))?;
    item.extend(key.attributes());
    item.insert("v".to_owned(), n(SHAPE));
    Ok(item)
}

/// What an item of the present shape says.
pub(crate) fn read<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    let pk = text(&item, "pk").unwrap_or_default().to_owned();
    match number(&item, "v") {
        Some(shape) if shape == i64::from(SHAPE) => {}
        Some(shape) => return Err(unreadable(&pk, &format_args!("shape {shape} is not known"))),
        None => return Err(unreadable(&pk, &"it has no shape")),
    }
    serde_dynamo::from_item(item).map_err(|error| unreadable(&pk, &error))
}

pub(crate) fn unreadable(pk: &str, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unreadable { what: pk.to_owned(), reason: reason.to_string() }
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
