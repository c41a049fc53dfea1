//! What the partner is told: which changes are an event, and what it holds. `docs/asyncapi.yaml` describes the events.
//!
//! An event holds ids, words and times. It never holds a name, an address, a phone number, a token, a code or a key.

use exchange::{BusinessId, ChannelId, ClientId, PhoneNumberId, WabaId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use strum::{IntoStaticStr, VariantArray};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::event::Event;
use super::key::StoredKey;
use super::record::Onboarding;
use super::signup::PopupAttempt;
use super::status::Status;

/// The longest reason of an attempt, in characters.
const LONGEST_REASON: usize = 64;
/// The most digits in one. Meta's numbers of errors have up to seven.
const MOST_DIGITS: usize = 7;

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
pub enum EventType {
    /// The onboarding was made.
    #[strum(serialize = "onboarding.started")]
    Started,
    /// The customer opened the setup link for the first time.
    #[strum(serialize = "onboarding.opened")]
    Opened,
    /// The customer came back from Meta without a signup that counts.
    #[strum(serialize = "onboarding.attempted")]
    Attempted,
    /// The signup is proven; its number is known, or the customer has to choose it.
    #[strum(serialize = "onboarding.confirmed")]
    Confirmed,
    /// 360dialog took the number.
    #[strum(serialize = "onboarding.submitted")]
    Submitted,
    /// The channel is live.
    #[strum(serialize = "onboarding.live")]
    Live,
    /// The client must grant permission for an API key at 360dialog.
    #[strum(serialize = "onboarding.permission_required")]
    PermissionRequired,
    /// The API key is in the vault and has been used once.
    #[strum(serialize = "onboarding.ready")]
    Ready,
    /// A step failed for good.
    #[strum(serialize = "onboarding.failed")]
    Failed,
    /// It has been in its status for longer than it should. It goes on waiting.
    #[strum(serialize = "onboarding.overdue")]
    Overdue,
    /// The setup link ran out.
    #[strum(serialize = "onboarding.expired")]
    Expired,
    /// The partner called it off.
    #[strum(serialize = "onboarding.cancelled")]
    Cancelled,
    /// 360dialog has ended the channel.
    #[strum(serialize = "onboarding.disconnected")]
    Disconnected,
    /// A new API key, in place of the one before, is in the vault and has been used once.
    #[strum(serialize = "onboarding.key_rotated")]
    KeyRotated,
    /// What the API shows of it changed in another way.
    #[strum(serialize = "onboarding.updated")]
    Updated,
    /// Meta reports a signup that no onboarding has.
    #[strum(serialize = "signup.unclaimed")]
    SignupUnclaimed,
    /// A channel is live at 360dialog that no onboarding knows.
    #[strum(serialize = "channel.unknown")]
    ChannelUnknown,
    /// 360dialog does not answer.
    #[strum(serialize = "hub.unavailable")]
    HubUnavailable,
    /// 360dialog answers again.
    #[strum(serialize = "hub.recovered")]
    HubRecovered,
    /// The partner asked for it.
    #[strum(serialize = "test")]
    Test,
}

impl EventType {
    /// Every type.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the envelope, and EventBridge's detail type.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The member that says that what is personal was erased.
const ERASED: &str = "erased";

/// An event that the partner is told, without its id and its time.
#[derive(Debug, Clone, PartialEq)]
pub struct PartnerEvent {
    /// Its type.
    pub kind: EventType,
    /// Its data, a JSON object.
    pub data: Value,
}

impl PartnerEvent {
    /// What the partner is told of a change that `event` made; `None` if nothing. `version`: of the record after it.
    pub fn of_change(before: &Onboarding, after: &Onboarding, version: u64, event: &Event) -> Option<Self> {
        let (kind, own) = told(before, after, event)?;
        let mut members = shown(after, version);
        if let Value::Object(own) = own {
            members.extend(own);
        }
        Some(Self { kind, data: json!({ "onboarding": members }) })
    }

    /// The data of an event once its onboarding is erased: without the partner's own words.
    pub fn erased(mut data: Value) -> Value {
        if let Some(Value::Object(onboarding)) = data.get_mut("onboarding") {
            onboarding.insert("metadata".to_owned(), json!({}));
            onboarding.insert(ERASED.to_owned(), true.into());
        }
        data
    }

    /// A signup at Meta that no onboarding has. `event`: Meta's word for what happened.
    pub fn signup_unclaimed(
        waba_id: &WabaId,
        business_id: Option<&BusinessId>,
        event: &str,
        reported_at: Option<OffsetDateTime>,
        received_at: OffsetDateTime,
    ) -> Self {
        #[derive(Serialize)]
        struct Signup<'a> {
            waba_id: &'a WabaId,
            #[serde(skip_serializing_if = "Option::is_none")]
            business_id: Option<&'a BusinessId>,
            event: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            reported_at: Option<String>,
            received_at: String,
        }
        let (reported_at, received_at) = (reported_at.map(rfc3339), rfc3339(received_at));
        let signup = Signup { waba_id, business_id, event, reported_at, received_at };
        Self { kind: EventType::SignupUnclaimed, data: json!({ "signup": signup }) }
    }

    /// A channel of which no onboarding knows, as far as the Hub tells whose it is.
    pub fn channel_unknown(
        channel_id: &ChannelId,
        client_id: Option<&ClientId>,
        waba_id: Option<&WabaId>,
        phone_number_id: Option<&PhoneNumberId>,
    ) -> Self {
        let mut channel = Map::from_iter([("channel_id".to_owned(), json!(channel_id))]);
        let ids = [
            ("client_id", client_id.map(ClientId::as_str)),
            ("waba_id", waba_id.map(WabaId::as_str)),
            ("phone_number_id", phone_number_id.map(PhoneNumberId::as_str)),
        ];
        channel.extend(ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?.into()))));
        Self { kind: EventType::ChannelUnknown, data: json!({ "channel": channel }) }
    }

    /// The Hub does not answer, or does so again. `since`: when it was first found not to.
    pub fn hub(is_well: bool, since: OffsetDateTime) -> Self {
        let kind = if is_well { EventType::HubRecovered } else { EventType::HubUnavailable };
        Self { kind, data: json!({ "hub": { "since": rfc3339(since) } }) }
    }

    /// An event that the partner asked for.
    pub fn test() -> Self {
        Self { kind: EventType::Test, data: json!({}) }
    }
}

/// The type of the event that a change is, and the members that are its own.
fn told(before: &Onboarding, after: &Onboarding, event: &Event) -> Option<(EventType, Value)> {
    let changed = |members: &[&str]| Some((EventType::Updated, json!({ "changed": members })));
    match event {
        Event::Started => Some((EventType::Started, Value::Null)),
        Event::LinkOpened => Some((EventType::Opened, Value::Null)),
        Event::PopupLeft { attempt } | Event::ProofFailed { attempt, .. } => {
            Some((EventType::Attempted, json!({ "reason": reason(attempt) })))
        }
        Event::SignupProven { signup } | Event::NumbersFound { signup, .. } => {
            Some((EventType::Confirmed, json!({ "signup_status": after.signup_status(), "source": signup.source })))
        }
        Event::NumberChosen { .. } => {
            let source = after.signup.as_ref().map(|signup| signup.source);
            Some((EventType::Confirmed, json!({ "signup_status": after.signup_status(), "source": source })))
        }
        Event::ClientFound { .. } | Event::ClientCorrected { .. } => changed(&["client"]),
        Event::LinkRenewed { .. } => {
            let members = [
                ("status", before.status != after.status),
                ("expires_at", true),
                ("opened_at", before.opened_at.is_some()),
                ("link_revoked_at", before.link_revoked_at.is_some()),
            ];
            let names: Vec<&str> = members.into_iter().filter(|(_, is_new)| *is_new).map(|(name, _)| name).collect();
            changed(&names)
        }
        Event::LinkRevoked => changed(&["link_revoked_at"]),
        Event::LookUpAsked { .. } if before.look_up_asked_at == after.look_up_asked_at => None,
        Event::LookUpAsked { .. } | Event::LookedUp => changed(&["look_up_asked_at"]),
        Event::DisconnectAsked { .. }
        | Event::ReconnectAsked { .. }
        | Event::ChannelEndAccepted { .. }
        | Event::ChannelKept => changed(&["channel_end"]),
        Event::ChannelFound { .. } => changed(&["channel_id"]),
        Event::KeyRotationAsked { .. } => changed(&["key_rotation"]),
        Event::KeysDeleted => changed(&["key"]),
        Event::NumberLost { .. } => changed(&["number_lost_to"]),
        Event::Erased { .. } => changed(&["erased_at"]),
        Event::RetryRequested { .. } => changed(&["status", "problem"]),
        Event::Overdue { .. } => Some((EventType::Overdue, Value::Null)),
        // On their way: the partner is told of what comes of them.
        Event::ClientSearched { .. }
        | Event::CodeExchanged { .. }
        | Event::SubmissionAsked
        | Event::SubmissionConflict
        | Event::SubmissionUnseen
        | Event::SubmissionNotTaken
        | Event::NoKeyFound { .. }
        | Event::LookUpDelayed { .. }
        | Event::ChannelEndSent { .. }
        | Event::ChannelEndUnseen { .. }
        | Event::ChannelEndDelayed { .. }
        | Event::KeyDeletionDue
        | Event::StepDelayed { .. } => None,
        _ if before.status != after.status => reached(after),
        Event::ChannelLive { .. } => changed(&["channel_id"]),
        Event::PermissionGranted => changed(&["permission_granted_at"]),
        Event::ChannelEnded { .. } => changed(&["channel_end"]),
        // Before it is ready, `ready` tells of it.
        Event::KeyStored { .. } if after.status != Status::Live => changed(&["key"]),
        Event::MessagingReady { .. } => {
            Some((EventType::KeyRotated, json!({ "api_key": after.key.as_ref().map(place) })))
        }
        _ => None,
    }
}

/// The event of a status that was reached.
fn reached(after: &Onboarding) -> Option<(EventType, Value)> {
    let kind = match after.status {
        Status::Submitted => EventType::Submitted,
        Status::Live => EventType::Live,
        Status::PermissionRequired => EventType::PermissionRequired,
        Status::Ready => return Some((EventType::Ready, json!({ "api_key": after.key.as_ref().map(place) }))),
        Status::Disconnected => EventType::Disconnected,
        Status::Cancelled => EventType::Cancelled,
        Status::Failed => EventType::Failed,
        Status::Expired => EventType::Expired,
        // Other events lead there.
        Status::Started | Status::Confirming | Status::NumberChoice | Status::SignedUp => return None,
    };
    Some((kind, Value::Null))
}

/// What every event of an onboarding holds.
fn shown(onboarding: &Onboarding, version: u64) -> Map<String, Value> {
    let signup = onboarding.signup.as_ref();
    let number = signup.and_then(|signup| signup.number.as_ref());
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            members.insert(name.to_owned(), value);
        }
    };
    put("id", json!(onboarding.id));
    put("client_id", json!(onboarding.client_id()));
    put("waba_id", json!(signup.and_then(|signup| signup.waba_id.as_ref())));
    put("phone_number_id", json!(number.map(|number| &number.id)));
    put("channel_id", json!(onboarding.channel_id));
    put("reference", json!(onboarding.reference));
    put("metadata", json!(onboarding.metadata));
    put("status", json!(onboarding.status));
    put("version", json!(version));
    put("overdue_since", json!(onboarding.overdue_since.map(rfc3339)));
    put(ERASED, onboarding.erased_at.map_or(Value::Null, |_| true.into()));
    put("problem", onboarding.problem.as_ref().map_or(Value::Null, |problem| json!({ "code": problem.code })));
    members
}

/// Where the key is kept. An ARN of Secrets Manager is `arn:aws:secretsmanager:{region}:{account}:secret:{name}-{6 characters}`.
fn place(key: &StoredKey) -> Value {
    let parts: Vec<&str> = key.secret_arn.splitn(7, ':').collect();
    let (region, name) = match parts.as_slice() {
        [_, _, _, region, _, _, name] => (*region, *name),
        _ => ("", key.secret_arn.as_str()),
    };
    let suffix = |(_, suffix): &(&str, &str)| suffix.len() == 6 && suffix.bytes().all(|b| b.is_ascii_alphanumeric());
    let name = name.rsplit_once('-').filter(suffix).map_or(name, |(name, _)| name);
    let mut place = json!({ "store": "secrets_manager", "name": name, "region": region });
    if let Some(version) = &key.version {
        place["version"] = json!(version);
    }
    place
}

/// Why an attempt did not count: Meta's code or word, or ours. The browser says it, so it is kept to letters that a word has.
fn reason(attempt: &PopupAttempt) -> &str {
    let is_word = |text: &&str| {
        let of = |kind: fn(&u8) -> bool| text.bytes().all(|b| kind(&b) || b.is_ascii_digit() || b == b'_');
        let is_of_one_case = of(u8::is_ascii_uppercase) || of(u8::is_ascii_lowercase);
        // A phone number has more.
        let has_few_digits = text.bytes().filter(u8::is_ascii_digit).count() <= MOST_DIGITS;
        (1..=LONGEST_REASON).contains(&text.len()) && is_of_one_case && has_few_digits
    };
    let said = [attempt.error_code.as_deref(), Some(attempt.event.as_str())];
    said.into_iter().flatten().find(is_word).unwrap_or("unknown")
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::properties::{any_event, at, started};
    use crate::transition;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// The partner never has to ask where an onboarding stands.
        #[test]
        fn every_status_that_is_reached_is_told(events in prop::collection::vec((any_event(), 0..700_000i64), 0..60)) {
            let (mut now, mut told) = (started(), Status::Started);
            for (version, (event, second)) in (2..).zip(events) {
                let Ok(Some(after)) = transition(&now, &event, at(second)) else { continue };
                let event = PartnerEvent::of_change(&now, &after, version, &event);
                if let Some(event) = event {
                    told = after.status;
                    prop_assert_eq!(&event.data["onboarding"]["status"], &json!(told));
                    prop_assert_eq!(&event.data["onboarding"]["version"], &json!(version));
                }
                prop_assert!(after.status == Status::Confirming || after.status == told, "{:?}", after.status);
                now = after;
            }
        }
    }

    #[test]
    fn an_event_holds_no_name_address_or_number() {
        let mut onboarding = started();
        onboarding.return_url = Some("https://crm.example/return".to_owned());
        let event = PartnerEvent::of_change(&onboarding, &onboarding, 1, &Event::Started).unwrap();
        let members: BTreeSet<&str> =
            event.data["onboarding"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["id", "metadata", "reference", "status", "version"]));
    }

    #[test]
    fn the_place_of_a_key_is_told_by_name_and_region() {
        let key = |arn: &str| StoredKey {
            secret_arn: arn.to_owned(),
            key_id: None,
            version: Some("v-1".to_owned()),
            address: "https://a.example".to_owned(),
        };
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stack/channels/Rb82LdCH/api-key-AbC123";
        let told = json!({
            "store": "secrets_manager", "name": "stack/channels/Rb82LdCH/api-key", "region": "eu-central-1", "version": "v-1",
        });
        assert_eq!(place(&key(arn)), told);
        assert_eq!(place(&key("stack/channels/Rb82LdCH/api-key"))["name"], "stack/channels/Rb82LdCH/api-key");
    }

    #[test]
    fn the_reason_of_an_attempt_is_a_word_and_nothing_else() {
        let attempt = |event: &str, error_code: Option<&str>| PopupAttempt {
            at: at(0),
            event: event.to_owned(),
            current_step: None,
            error_code: error_code.map(str::to_owned),
            error_message: None,
            session_id: None,
        };
        assert_eq!(reason(&attempt("CANCEL", None)), "CANCEL");
        assert_eq!(reason(&attempt("CANCEL", Some("524126"))), "524126");
        assert_eq!(reason(&attempt("CANCEL", Some("Lena Voss"))), "CANCEL");
        assert_eq!(reason(&attempt("CANCEL", Some("Lena.Voss"))), "CANCEL");
        assert_eq!(reason(&attempt("CANCEL", Some("4930901820143"))), "CANCEL");
        assert_eq!(reason(&attempt("CANCEL", Some("waba_not_granted"))), "waba_not_granted");
        assert_eq!(reason(&attempt("call +49 30 901820143", None)), "unknown");
    }
}
