//! How the telling of one event goes: to the event bus, and to the partner's webhook.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::endpoint::{Endpoint, EndpointState};
use super::retry::backoff;
use super::work::Class;

/// How long after a try that failed the next one is made; the last of these again and again.
const WAITS: [Duration; 8] = [
    Duration::seconds(5),
    Duration::minutes(5),
    Duration::minutes(30),
    Duration::hours(2),
    Duration::hours(5),
    Duration::hours(10),
    Duration::hours(10),
    Duration::days(1),
];
/// So long after the first try that failed the last one is made.
pub(super) const PARTNER_TRIES_END: Duration = Duration::days(5);
/// The newest tries are kept.
const TRIES_KEPT: usize = 20;

/// When to try again, `tries` tries of which the first failed at `since` having failed until `now`; `None` if there have been
/// enough.
pub(super) fn next_try(tries: u32, since: OffsetDateTime, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let wait = WAITS.get((tries.max(1) - 1) as usize).unwrap_or(&WAITS[WAITS.len() - 1]);
    let end = since + PARTNER_TRIES_END;
    (now < end).then(|| (now + *wait).min(end))
}

/// How the telling of one event goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// To the event bus.
    #[serde(default)]
    pub event_bus: BusDelivery,
    /// To the partner's webhook; absent before it is known whether there is one, and where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookDelivery>,
}

/// How the telling of one event to the event bus goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusDelivery {
    /// When the bus took it.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<OffsetDateTime>,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// When it is tried next.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<OffsetDateTime>,
    /// Why the bus did not take it the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How the telling of one event to the partner's webhook goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// Whether it is to be tried.
    pub state: WebhookState,
    /// When the endpoint took it.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<OffsetDateTime>,
    /// When it is tried next, unless the endpoint backs off.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<OffsetDateTime>,
    /// Tries in a row that failed.
    #[serde(default)]
    pub failures: u32,
    /// When the first of them was made.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<OffsetDateTime>,
    /// The newest tries, oldest first.
    #[serde(default)]
    pub tries: Vec<Try>,
}

/// What is to become of an event at the partner's webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// It is tried at its time.
    Pending,
    /// It waits until the endpoint answers again.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// It was tried often enough.
    GivenUp,
}

/// One try to tell the partner's webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The HTTP status that the endpoint answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there is no answer, or why the answer does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl BusDelivery {
    /// Whether it is to be tried at `now`.
    pub fn is_due(&self, now: OffsetDateTime) -> bool {
        self.delivered_at.is_none() && self.next_try_at.is_none_or(|at| at <= now)
    }

    /// The bus took it.
    pub fn delivered(&mut self, now: OffsetDateTime) {
        *self = Self { delivered_at: Some(now), tries: self.tries.saturating_add(1), next_try_at: None, error: None };
    }

    /// The bus did not take it. It is tried again for as long as it takes. `jitter`: see [`backoff`].
    pub fn failed(&mut self, error: String, now: OffsetDateTime, jitter: f64) {
        self.next_try_at = Some(now + backoff(self.tries, jitter));
        self.tries = self.tries.saturating_add(1);
        self.error = Some(error);
    }
}

impl WebhookDelivery {
    /// One that is to be tried at once.
    pub fn new() -> Self {
        Self {
            state: WebhookState::Pending,
            delivered_at: None,
            next_try_at: None,
            failures: 0,
            failing_since: None,
            tries: Vec::new(),
        }
    }

    /// Whether it still is to be told.
    pub fn is_open(&self) -> bool {
        matches!(self.state, WebhookState::Pending | WebhookState::Waiting)
    }

    /// Begins anew: the event is told once more. The tries stay.
    pub fn again(&mut self) {
        *self = Self { tries: std::mem::take(&mut self.tries), ..Self::new() };
    }

    /// Records a try. `taken`: whether the endpoint took it.
    pub fn tried(&mut self, this: Try, taken: bool, now: OffsetDateTime) {
        if taken {
            self.state = WebhookState::Delivered;
            self.delivered_at = Some(now);
            (self.next_try_at, self.failures, self.failing_since) = (None, 0, None);
        } else {
            let since = *self.failing_since.get_or_insert(this.at);
            self.failures = self.failures.saturating_add(1);
            self.next_try_at = next_try(self.failures, since, now);
            if self.next_try_at.is_none() {
                self.state = WebhookState::GivenUp;
            }
        }
        self.tries.push(this);
        let spare = self.tries.len().saturating_sub(TRIES_KEPT);
        self.tries.drain(..spare);
    }
}

impl Default for WebhookDelivery {
    fn default() -> Self {
        Self::new()
    }
}

impl Delivery {
    /// In which line the event waits next, and from when; `None` if it is told, or given up. `event_at`: when it happened;
    /// those that wait for the endpoint keep that order.
    pub fn line(&mut self, endpoint: &Endpoint, event_at: OffsetDateTime) -> Option<(Class, OffsetDateTime)> {
        let bus = self.event_bus.delivered_at.is_none().then(|| self.event_bus.next_try_at.unwrap_or(event_at));
        let webhook = self.webhook.as_mut().filter(|webhook| webhook.is_open()).map(|webhook| {
            webhook.state = if endpoint.is_well() { WebhookState::Pending } else { WebhookState::Waiting };
            if matches!(endpoint.state(), EndpointState::BackingOff(_) | EndpointState::Off) {
                // The endpoint is at fault, and not the event: its own tries begin anew after that.
                (webhook.next_try_at, webhook.failing_since) = (None, None);
            }
            webhook.next_try_at.unwrap_or(event_at)
        });
        match (bus, webhook) {
            (Some(bus), Some(webhook)) if endpoint.is_well() => Some((Class::Delivery, bus.min(webhook))),
            (Some(bus), _) => Some((Class::Delivery, bus)),
            (None, Some(webhook)) if endpoint.is_well() => Some((Class::Delivery, webhook)),
            (None, Some(webhook)) => Some((Class::Held, webhook)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::at;

    fn failed(at: OffsetDateTime) -> Try {
        Try { at, status: Some(500), error: None }
    }

    #[test]
    fn an_event_is_tried_again_for_five_days() {
        let (mut webhook, mut now, mut waits) = (WebhookDelivery::new(), at(0), Vec::new());
        loop {
            webhook.tried(failed(now), false, now);
            let Some(next) = webhook.next_try_at else { break };
            waits.push((next - now).whole_seconds());
            now = next;
        }
        let hour = 3600;
        // The last one ends with the fifth day.
        let last = 5 * 24 * hour - (5 + 300 + 1800 + 27 * hour + 3 * 24 * hour);
        let documented =
            [5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 10 * hour, 24 * hour, 24 * hour, 24 * hour, last];
        assert_eq!(waits, documented);
        assert_eq!((now, webhook.state), (at(0) + PARTNER_TRIES_END, WebhookState::GivenUp));
        webhook.again();
        assert_eq!((webhook.state, webhook.failures, webhook.tries.len()), (WebhookState::Pending, 0, 12));
    }

    #[test]
    fn an_event_waits_while_the_endpoint_backs_off_and_the_bus_does_not() {
        let (mut endpoint, now) = (Endpoint::default(), at(10));
        let mut delivery = Delivery { webhook: Some(WebhookDelivery::new()), ..Delivery::default() };
        assert_eq!(delivery.line(&endpoint, at(0)), Some((Class::Delivery, at(0))));
        for n in 1..4 {
            let event = format!("01a1a0b0-c129-7000-8000-00000000000{n}").parse().unwrap();
            endpoint.failed(&event, 1, now, now);
        }
        assert_eq!(delivery.line(&endpoint, at(0)), Some((Class::Delivery, at(0))));
        delivery.event_bus.delivered(now);
        assert_eq!(delivery.line(&endpoint, at(0)), Some((Class::Held, at(0))));
        endpoint.succeeded(Duration::ZERO, now);
        assert_eq!(delivery.line(&endpoint, at(0)), Some((Class::Delivery, at(0))));
        delivery.webhook.as_mut().unwrap().tried(Try { at: now, status: Some(204), error: None }, true, now);
        assert_eq!(delivery.line(&endpoint, at(0)), None);
    }

    #[test]
    fn only_the_newest_tries_are_kept() {
        let mut webhook = WebhookDelivery::new();
        for n in 0..50 {
            webhook.tried(failed(at(n)), false, at(n));
        }
        assert_eq!((webhook.tries.len(), webhook.tries[0].at, webhook.failures), (20, at(30), 50));
    }
}
