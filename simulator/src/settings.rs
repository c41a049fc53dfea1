//! What the simulator takes for true: ids, accepted credentials, where webhooks go, and how it behaves.

use std::sync::Arc;

use axum::Router;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// Tells the time: code and token lifetimes, the rate window and the way to live all follow it.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// Puts something around the fake services, such as a layer that decides call by call what goes wrong.
pub type Around = Arc<dyn Fn(Router) -> Router + Send + Sync>;

/// How a simulator is started. All ids and secrets of [`Settings::default`] are made up; set what a test needs.
#[derive(Clone)]
pub struct Settings {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The time of day; the system's by default.
    pub clock: Clock,
    /// The partner's id at the Hub, ending in `PA`. Any other is answered 401.
    pub partner_id: String,
    /// Accepted in `X-API-Key`.
    pub api_key: String,
    /// Accepted in `Authorization: Bearer`.
    pub bearer_token: String,
    /// Accepted by `POST /token`.
    pub user_name: String,
    /// Accepted by `POST /token`.
    pub password: String,
    /// How long a token of `POST /token` is accepted.
    pub token_lifetime: Duration,
    /// Signs partner webhooks; without one they carry no signature, as with the real Hub.
    pub platform_secret: Option<String>,
    /// Where partner webhooks go: plain `http` on this machine. Without one they are only written down.
    pub webhook_url: Option<String>,
    /// The Meta app's id.
    pub app_id: String,
    /// The Meta app's secret.
    pub app_secret: String,
    /// The Facebook Login for Business configuration that the popup accepts.
    pub config_id: String,
    /// The Multi-Partner Solution.
    pub solution_id: String,
    /// The partner's own system user token: reads the solution, recovers lost business tokens.
    pub system_user_token: String,
    /// Where Meta's `account_update` goes: plain `http` on this machine.
    pub meta_webhook_url: Option<String>,
    /// Sent in the handshake with that address.
    pub meta_verify_token: String,
    /// Put around the fake services, not around the control routes. Answers that hold [`crate::Unanswered`] close the
    /// connection.
    pub around: Option<Around>,
    /// What can also be changed while it runs (`POST /simulator/settings`).
    pub behavior: Behavior,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            clock: Arc::new(OffsetDateTime::now_utc),
            partner_id: "Kq7wZePA".to_owned(),
            api_key: "made-up-partner-api-key".to_owned(),
            bearer_token: "made-up-bearer-token".to_owned(),
            user_name: "integration@partner.example".to_owned(),
            password: "made-up-password".to_owned(),
            token_lifetime: Duration::hours(24),
            platform_secret: Some("made-up-platform-secret".to_owned()),
            webhook_url: None,
            app_id: "1482000011112222".to_owned(),
            app_secret: "made-up-app-secret".to_owned(),
            config_id: "1482093377610245".to_owned(),
            solution_id: "1093388274650217".to_owned(),
            system_user_token: "made-up-system-user-token".to_owned(),
            meta_webhook_url: None,
            meta_verify_token: "made-up-verify-token".to_owned(),
            around: None,
            behavior: Behavior::default(),
        }
    }
}

/// What can be changed while the simulator runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behavior {
    /// Who pays 360dialog, which decides whether the partner may make API keys unasked.
    pub payment: Payment,
    /// Milliseconds from an accepted number to its `channel_live` event.
    pub live_after_ms: u32,
    /// What the Hub answers for a number that is live under another client account. No public source says.
    pub number_taken: NumberTaken,
    /// Milliseconds from a request to cancel a channel until it is processed.
    pub cancelled_after_ms: u32,
    /// Milliseconds after live until the channel listing shows number, name and limits. 0: at once.
    pub listing_lag_ms: u32,
    /// Milliseconds until the client listing shows a new client. 0: at once.
    pub client_lag_ms: u32,
    /// The limit on Hub calls per partner; `None`: no limit.
    pub rate_limit: Option<RateLimit>,
    /// The shape of partner webhooks.
    pub webhook_shape: Shape,
    /// How partner webhooks are signed.
    pub webhook_signature: Signature,
    /// Whether `contact_info.email` and `contact_user.email` work as filters of the client listing.
    pub email_filter: EmailFilter,
    /// Whether the messaging API has `GET /health_status`.
    pub health_status: bool,
    /// What it says of the number: `AVAILABLE`, `LIMITED` or `BLOCKED`.
    pub can_send_message: String,
    /// Whether the JavaScript SDK hands out its last code again when a later popup ends without one.
    pub repeat_code: bool,
    /// Whether each popup is a window of its own, so that two can be open.
    pub separate_windows: bool,
    /// Status of the solution, such as `ACTIVE` or `DRAFT`.
    pub solution_status: String,
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            payment: Payment::Partner,
            live_after_ms: 300,
            number_taken: NumberTaken::Conflict,
            cancelled_after_ms: 2_592_000_000,
            listing_lag_ms: 0,
            client_lag_ms: 0,
            rate_limit: Some(RateLimit::default()),
            webhook_shape: Shape::Full,
            webhook_signature: Signature::Good,
            email_filter: EmailFilter::Honored,
            health_status: true,
            can_send_message: "AVAILABLE".to_owned(),
            repeat_code: false,
            separate_windows: false,
            solution_status: "ACTIVE".to_owned(),
        }
    }
}

/// A sliding window. The default is the documented 5 calls in 30 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Calls answered in any window; the next is answered 429 and does not count.
    pub calls: usize,
    /// Length of the window in milliseconds.
    pub window_ms: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { calls: 5, window_ms: 30_000 }
    }
}

/// Who pays 360dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// The partner: it may make API keys by default.
    Partner,
    /// The client: it must grant API-key permission first.
    Direct,
}

/// What the Hub answers for a number that is live under another client account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberTaken {
    /// 409.
    Conflict,
    /// 400, in the Hub's own envelope.
    Refused,
    /// Success, and a channel beside the other.
    SecondChannel,
}

/// Shapes in which partner webhooks have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `data` is the whole channel with its nested objects.
    Full,
    /// `data` has `phone_number` and `phone_name` beside `id`.
    Flat,
    /// No `id`, no `data`: `{event, channel_id}`.
    Legacy,
    /// An array with one event.
    Array,
    /// An array with the same event twice, under one id.
    Duplicate,
}

/// How a partner webhook is signed in `x-360dialog-signature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// Bare lower-case hexadecimal digits.
    Good,
    /// The same after `sha256=`.
    Prefixed,
    /// Made with another secret.
    Wrong,
    /// No header.
    None,
}

/// Whether the client listing can be filtered by e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailFilter {
    /// It can.
    Honored,
    /// The filter is accepted and changes nothing.
    Ignored,
}
