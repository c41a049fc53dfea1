//! The partner's webhook as a whole: while it does not answer, it backs off, and not each event.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::delivery::next_try;
use super::id::EventId;

/// So many tries in a row that failed make the endpoint back off, if they were not all of one event.
const PATIENCE: u32 = 3;
/// How long a try has that was sent while the endpoint backs off, before another one is.
const ONE_TRY: Duration = Duration::minutes(2);

/// What is known of the partner's webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Tries in a row that failed, up to where it backs off.
    #[serde(default)]
    pub failures: u32,
    /// The event of the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_event: Option<EventId>,
    /// Whether another event failed too: then the endpoint is at fault, and not the event.
    #[serde(default)]
    pub failed_several: bool,
    /// When the first of them was made.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<OffsetDateTime>,
    /// Since when it backs off.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub backing_off_since: Option<OffsetDateTime>,
    /// How far it has backed off.
    #[serde(default)]
    pub step: u32,
    /// When one event is tried while it backs off.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<OffsetDateTime>,
    /// Since when it is switched off.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub off_since: Option<OffsetDateTime>,
}

/// Whether the endpoint is given events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// Each at its time.
    Well,
    /// One, at this time.
    BackingOff(OffsetDateTime),
    /// None but a test event, which switches it on again when it succeeds.
    Off,
}

impl Endpoint {
    /// Whether it is given events.
    pub fn state(&self) -> EndpointState {
        match (self.off_since, self.retry_at) {
            (Some(_), _) => EndpointState::Off,
            (None, Some(at)) => EndpointState::BackingOff(at),
            (None, None) => EndpointState::Well,
        }
    }

    /// Whether it is given each event at its time.
    pub fn is_well(&self) -> bool {
        self.state() == EndpointState::Well
    }

    /// It took an event.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// One event is sent while it backs off; no other is, before this one's time is over.
    pub fn trying(&mut self, now: OffsetDateTime) {
        if self.retry_at.is_some() {
            self.retry_at = Some(now + ONE_TRY);
        }
    }

    /// It did not take an event that was given at `began`, after `tries` tries of that event. Returns whether that switches it
    /// off.
    pub fn failed(&mut self, event: &EventId, tries: u32, began: OffsetDateTime, now: OffsetDateTime) -> bool {
        let since = *self.failing_since.get_or_insert(began);
        self.failed_several |= self.failed_event.get_or_insert_with(|| event.clone()) != event;
        match self.state() {
            EndpointState::Off => return false,
            EndpointState::Well => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < PATIENCE || !self.failed_several {
                    return false;
                }
                // Not further than the event itself: several may have failed in the same moment.
                self.step = tries;
                self.backing_off_since = Some(now);
            }
            // It was under way when the endpoint began to back off.
            EndpointState::BackingOff(_) if self.backing_off_since.is_some_and(|since| began < since) => return false,
            EndpointState::BackingOff(_) => self.step += 1,
        }
        self.retry_at = next_try(self.step, since, now);
        if self.retry_at.is_none() {
            self.off_since = Some(now);
        }
        self.off_since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::PARTNER_TRIES_END;
    use crate::properties::at;

    fn event(n: u8) -> EventId {
        format!("01a1a0b0-c129-7000-8000-0000000000{n:02}").parse().unwrap()
    }

    #[test]
    fn an_endpoint_backs_off_after_three_failures_and_is_off_after_five_days() {
        let (mut endpoint, mut now, mut tries) = (Endpoint::default(), at(0), 0);
        for wait in [5, 300] {
            tries += 1;
            assert!(!endpoint.failed(&event(1), tries, now, now));
            assert_eq!(endpoint.state(), EndpointState::Well);
            now += Duration::seconds(wait);
        }
        tries += 1;
        assert!(!endpoint.failed(&event(2), tries, now, now));
        assert_eq!(endpoint.state(), EndpointState::BackingOff(now + Duration::minutes(30)));
        while let EndpointState::BackingOff(at) = endpoint.state() {
            now = at;
            endpoint.trying(now);
            assert_eq!(endpoint.state(), EndpointState::BackingOff(now + ONE_TRY));
            tries += 1;
            assert_eq!(endpoint.failed(&event(1), tries, now, now), now == self::at(0) + PARTNER_TRIES_END);
        }
        assert_eq!((endpoint.state(), tries), (EndpointState::Off, 12));
        endpoint.succeeded();
        assert!(endpoint.is_well());
    }

    /// The event may be at fault. It backs off by itself, and others are tried as before.
    #[test]
    fn an_endpoint_does_not_back_off_for_one_event_alone() {
        let mut endpoint = Endpoint::default();
        for tries in 1..50 {
            assert!(!endpoint.failed(&event(1), tries, at(tries.into()), at(tries.into())));
            assert!(endpoint.is_well());
        }
        endpoint.succeeded();
        endpoint.failed(&event(1), 50, at(60), at(60));
        endpoint.failed(&event(2), 1, at(61), at(61));
        assert!(endpoint.is_well());
        endpoint.failed(&event(2), 2, at(66), at(66));
        assert_eq!(endpoint.state(), EndpointState::BackingOff(at(66) + Duration::minutes(5)));
    }

    #[test]
    fn events_that_fail_in_the_same_moment_do_not_make_it_wait_for_hours() {
        let mut endpoint = Endpoint::default();
        for n in 0..10 {
            endpoint.failed(&event(n), 1, at(0), at(1));
        }
        assert_eq!(endpoint.state(), EndpointState::BackingOff(at(6)));
    }
}
