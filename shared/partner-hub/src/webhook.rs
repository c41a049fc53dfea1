//! The Hub's webhooks: `{"id", "event", "data"}`, one object or an array of them, `data` nested or flat.
//!
//! 360dialog says of its own reference that nobody verified these definitions, so that nothing here fails: what cannot
//! be read is kept as it is and means nothing.
//!
//! Sources:
//! <https://docs.360dialog.com/partner/onboarding/webhook-events-and-setup/webhook-events-partner-and-messaging-api>,
//! <https://docs.360dialog.com/partner/partner-api/api-reference/webhook-management>

use exchange::{ChannelId, Lenient, Text, json, json_text, object};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::channels::{Channel, ChannelShape};

/// The longest event id and event name that are taken as such, in bytes: they become a key and a word in the log.
const LONGEST_NAME: usize = 200;
/// What JSON allows in a text and SQS in no message: an id with one of these could never be queued.
const NOT_QUEUED: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// One event of a delivery, not yet looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// The Hub's id of the event. Not every event has one, and one id may come with different bodies.
    pub event_id: Option<String>,
    /// The text of this event, as it came; only what could not be read of it is replaced, as [`json_text`] says.
    pub body: String,
}

/// What an event tells us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// What it means to us.
    pub kind: EventKind,
    /// The Hub's name of the event, at most 200 bytes; empty if there is none.
    pub name: String,
    /// The channel. Always `None` for [`EventKind::Other`], whose `data.id` may be the id of anything.
    pub channel: Option<Channel>,
    /// Whether it cannot be read: it is not JSON, or an event that we act on without a channel.
    pub unreadable: bool,
}

/// The events that we act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// `channel_live`, `channel_running`: a key can be made.
    ChannelLive,
    /// `channel_permission_granted`: the client lets us make a key.
    PermissionGranted,
    /// `cancellation_processed`: the channel has ended, in the Hub's own word.
    ChannelEnded,
    /// `cancellation_request`, `cancellation_revoke`, `channel_permission_revoked`: something about the channel has
    /// changed, and the Hub is to be asked what.
    LookUp,
    /// Everything else, known or not.
    Other,
}

impl EventKind {
    fn of(name: &str) -> Self {
        match name {
            "channel_live" | "channel_running" => Self::ChannelLive,
            "channel_permission_granted" => Self::PermissionGranted,
            "cancellation_processed" => Self::ChannelEnded,
            "cancellation_request" | "cancellation_revoke" | "channel_permission_revoked" => Self::LookUp,
            _ => Self::Other,
        }
    }
}

/// The events that 360dialog documents, or that were seen, and that mean nothing to an onboarding.
const OF_NO_CONCERN: [&str; 13] = [
    "account_restriction",
    "account_violation",
    "channel_created",
    "channel_ready",
    "channel_submitted",
    "client_created",
    "history",
    "smb_app_state_sync",
    "smb_message_echoes",
    "template_messaging_disabled",
    "template_messaging_enabled",
    "waba_template_category_changed",
    "waba_template_status_changed",
];

/// Whether an event of this name has been heard of: any other is news for the operator.
pub fn is_documented(name: &str) -> bool {
    EventKind::of(name) != EventKind::Other || OF_NO_CONCERN.contains(&name)
}

/// Splits a delivery into its events: the elements of an array, or else the whole. Blanks around an event are no part
/// of it; what is not JSON is one event, every byte of it. An empty array holds no event.
pub fn split(body: &[u8]) -> Vec<RawEvent> {
    let body = json_text(body);
    if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(&body) {
        return elements.into_iter().map(RawEvent::read).collect();
    }
    match serde_json::from_str::<&RawValue>(&body) {
        Ok(element) => vec![RawEvent::read(element)],
        Err(_) => vec![RawEvent { event_id: None, body: body.into_owned() }],
    }
}

impl RawEvent {
    fn read(element: &RawValue) -> Self {
        #[derive(Deserialize)]
        struct WithId {
            id: Text,
        }
        // Only objects have an id; serde would read one from an array too.
        let object = Some(element.get()).filter(|text| text.starts_with('{'));
        let envelope = object.and_then(|text| serde_json::from_str::<WithId>(text).ok());
        let event_id = envelope.and_then(|envelope| envelope.id.0);
        let event_id = event_id.filter(|id| id.len() <= LONGEST_NAME && !id.contains(NOT_QUEUED));
        Self { event_id, body: element.get().to_owned() }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    event: Text,
    data: Lenient<ChannelShape>,
    channel_id: Text<ChannelId>,
}

/// Reads one event. Its channel is `data`, full or flat; in an old shape there is only a `channel_id` beside `event`.
pub fn parse(body: &str) -> WebhookEvent {
    let json = json(body.as_bytes());
    let is_json = json.is_some();
    let envelope: Envelope = object(json.unwrap_or_default());
    let mut name = envelope.event.0.unwrap_or_default();
    name.truncate(name.floor_char_boundary(LONGEST_NAME));
    let kind = EventKind::of(&name);
    let channel = if kind == EventKind::Other { None } else { envelope.data.0.read(envelope.channel_id.0) };
    let unreadable = !is_json || kind != EventKind::Other && channel.is_none();
    WebhookEvent { kind, name, channel, unreadable }
}
