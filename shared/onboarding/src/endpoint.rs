//! The partner's webhook as a whole: while it does not answer, it backs off, and not each event.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::delivery::next_try;
use super::id::EventId;

/// So many tries in a row that failed make the endpoint back off, if they were not all of one event.
const PATIENCE: u32 = 3;
/// An answer that takes longer makes the endpoint a slow one.
const SLOW: Duration = Duration::seconds(2);
/// How often a slow endpoint is given a few events.
const SLOW_PAUSE: Duration = Duration::seconds(15);
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
    /// The event that is tried while it backs off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trying: Option<EventId>,
    /// It answers slowly: when the next few events are given to it.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub slow_next_at: Option<OffsetDateTime>,
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
    /// It answers slowly: a few, at this time, so that those who tell it have time for the event bus.
    Slow(OffsetDateTime),
    /// One, at this time.
    BackingOff(OffsetDateTime),
    /// None but a test event, which switches it on again when it succeeds.
    Off,
}

impl Endpoint {
    /// Whether it is given events.
    pub fn state(&self) -> EndpointState {
        match (self.off_since, self.retry_at, self.slow_next_at) {
            (Some(_), ..) => EndpointState::Off,
            (None, Some(at), _) => EndpointState::BackingOff(at),
            (None, None, Some(at)) => EndpointState::Slow(at),
            (None, None, None) => EndpointState::Well,
        }
    }

    /// Whether it is given each event at its time.
    pub fn is_well(&self) -> bool {
        self.state() == EndpointState::Well
    }

    /// Whether an event that is given to it now, after it had to wait, may be.
    pub fn admits_held(&self, event: &EventId) -> bool {
        match self.state() {
            EndpointState::Well | EndpointState::Slow(_) => true,
            EndpointState::BackingOff(_) => self.trying.as_ref() == Some(event),
            EndpointState::Off => false,
        }
    }

    /// It took an event, and took this long to say so.
    pub fn succeeded(&mut self, took: Duration, now: OffsetDateTime) {
        let slow_next_at = (took > SLOW).then(|| self.slow_next_at.unwrap_or(now));
        *self = Self { slow_next_at, ..Self::default() };
    }

    /// Some events that had to wait are sent now, the first of them this one. `false`: it is not their time.
    pub fn sending(&mut self, first: &EventId, now: OffsetDateTime) -> bool {
        match self.state() {
            EndpointState::Well => true,
            EndpointState::Slow(at) if at <= now => {
                self.slow_next_at = Some(now + SLOW_PAUSE);
                true
            }
            EndpointState::BackingOff(at) if at <= now => {
                self.retry_at = Some(now + ONE_TRY);
                self.trying = Some(first.clone());
                true
            }
            EndpointState::Slow(_) | EndpointState::BackingOff(_) | EndpointState::Off => false,
        }
    }

    /// It did not take an event that was given at `began`, after `tries` tries of that event. Returns whether that switches it
    /// off.
    pub fn failed(&mut self, event: &EventId, tries: u32, began: OffsetDateTime, now: OffsetDateTime) -> bool {
        let since = *self.failing_since.get_or_insert(began);
        self.failed_several |= self.failed_event.get_or_insert_with(|| event.clone()) != event;
        match self.state() {
            EndpointState::Off => return false,
            EndpointState::Well | EndpointState::Slow(_) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < PATIENCE || !self.failed_several {
                    return false;
                }
                // Not further than the event itself, because several may have failed in the same moment. And not far: an event
                // that it never takes may have been tried often.
                self.step = tries.min(PATIENCE);
            }
            // It was under way when the endpoint began to back off.
            EndpointState::BackingOff(_) if self.trying.as_ref() != Some(event) => return false,
            EndpointState::BackingOff(_) => {
                self.trying = None;
                self.step += 1;
            }
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
            assert!(!endpoint.sending(&event(1), now - Duration::SECOND) && endpoint.sending(&event(1), now));
            assert_eq!(endpoint.state(), EndpointState::BackingOff(now + ONE_TRY));
            assert!(endpoint.admits_held(&event(1)) && !endpoint.admits_held(&event(2)));
            // Others that were under way do not count.
            assert!(!endpoint.failed(&event(2), 1, now, now));
            tries += 1;
            assert_eq!(endpoint.failed(&event(1), tries, now, now), now == self::at(0) + PARTNER_TRIES_END);
        }
        assert_eq!((endpoint.state(), tries), (EndpointState::Off, 12));
        endpoint.succeeded(Duration::ZERO, now);
        assert!(endpoint.is_well());
    }

    #[test]
    fn a_slow_endpoint_is_given_a_few_events_at_a_time() {
        let mut endpoint = Endpoint::default();
        endpoint.succeeded(Duration::seconds(3), at(3));
        assert_eq!(endpoint.state(), EndpointState::Slow(at(3)));
        assert!(endpoint.sending(&event(1), at(3)) && !endpoint.sending(&event(1), at(4)));
        endpoint.succeeded(Duration::seconds(3), at(6));
        assert_eq!(endpoint.state(), EndpointState::Slow(at(18)), "the pause goes on");
        for n in 1..4 {
            endpoint.failed(&event(n), 1, at(19), at(20));
        }
        assert_eq!(endpoint.state(), EndpointState::BackingOff(at(25)));
        endpoint.succeeded(Duration::seconds(1), at(30));
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
        endpoint.succeeded(Duration::ZERO, at(59));
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
