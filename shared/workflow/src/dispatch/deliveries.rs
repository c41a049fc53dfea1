//! Events to be told: each when it is due, and those that wait for the partner's webhook once it answers again.

use std::time::{Duration, Instant};

use onboarding::{Class, EndpointState};
use store::{Due, EventKey, WorkKey};

use super::admission::{admit, unless_broken};
use super::pass::{Pass, PassError, new_id};

/// How many one pass sends of each kind: the stream waits meanwhile.
const DELIVERIES: u32 = 200;
/// How many that had to wait one pass sends to a webhook that answers again.
const PORTION: u32 = 50;
/// How many at a time to one that answers slowly: fewer than are told at once, so that the event bus need not wait.
const FEW: u32 = 3;
/// Among so many of the oldest is looked for the one that was tried least.
const CANDIDATES: u32 = 100;
/// How long one pass sends. A permit that becomes free meanwhile waits as long.
const LONGEST: Duration = Duration::from_secs(1);

impl Pass<'_> {
    /// Sends for the events that are due.
    pub(super) async fn deliveries(&mut self, woken: Vec<Due>, line: bool) -> Result<(), PassError> {
        let (store, now) = (&self.dispatcher.store, self.dispatcher.clock.now());
        let mut due = if line { store.due(Class::Delivery, now, DELIVERIES).await? } else { Vec::new() };
        self.done.waits |= due.len() >= DELIVERIES as usize;
        for woken in woken {
            if due.iter().all(|other| other.key != woken.key) {
                due.push(woken);
            }
        }
        self.send_all(Class::Delivery, due).await?;
        if line { self.held().await } else { Ok(()) }
    }

    /// Sends for the events that wait for the partner's webhook: for all if it answers again, for a few at a time if it answers
    /// slowly, and for one at its time if not at all.
    async fn held(&mut self) -> Result<(), PassError> {
        let (store, now) = (self.dispatcher.store.clone(), self.dispatcher.clock.now());
        if store.due(Class::Held, now, 1).await?.is_empty() {
            return Ok(());
        }
        let Ok(endpoint) = unless_broken(store.endpoint().await)? else { return Ok(()) };
        let due = match endpoint.state() {
            EndpointState::Well => store.due(Class::Held, now, PORTION).await?,
            EndpointState::Slow(at) if at <= now => store.due(Class::Held, now, FEW).await?,
            EndpointState::BackingOff(at) if at <= now => {
                let due = store.due(Class::Held, now, CANDIDATES).await?;
                self.least_tried(due).await?.into_iter().collect()
            }
            EndpointState::Slow(_) | EndpointState::BackingOff(_) | EndpointState::Off => return Ok(()),
        };
        let first = due.iter().find_map(event);
        let is_time = match first {
            Some(first) => unless_broken(store.send_held(&first.id).await)? == Ok(true),
            None => false,
        };
        self.done.waits |= endpoint.is_well() && due.len() >= PORTION as usize;
        if is_time { self.send_all(Class::Held, due).await } else { Ok(()) }
    }

    /// The one that the webhook refused least often, of those the oldest. An event that it never takes must not keep the others
    /// from being tried.
    async fn least_tried(&self, due: Vec<Due>) -> Result<Option<Due>, PassError> {
        let keys: Vec<EventKey> = due.iter().filter_map(event).cloned().collect();
        let Ok(failures) = unless_broken(self.dispatcher.store.failures_of(&keys).await)? else { return Ok(None) };
        let failures_of = |due: &Due| {
            let known = failures.iter().find(|(known, _)| event(due) == Some(known));
            known.map_or(0, |(_, failures)| *failures)
        };
        // Of equals the first.
        Ok(due.into_iter().min_by_key(failures_of))
    }

    async fn send_all(&mut self, class: Class, due: Vec<Due>) -> Result<(), PassError> {
        let (store, clock) = (self.dispatcher.store.clone(), self.dispatcher.clock.clone());
        let end = Instant::now() + LONGEST;
        for due in due {
            // Work that waits for a permit has its turn in between.
            if self.is_over() || Instant::now() >= end {
                self.done.waits = true;
                break;
            }
            let Some(state) = admit(&store, &clock, class, &due).await? else { continue };
            let id = new_id();
            if store.take(&due.key, &state, &id).await? {
                Self::tell_if_unanswered(&due.key, &state);
                self.send(&due.key, &state, id).await;
                self.done.free += 1;
            }
        }
        Ok(())
    }
}

/// The event that is to be told.
fn event(due: &Due) -> Option<&EventKey> {
    match &due.key {
        WorkKey::Event(key) => Some(key),
        _ => None,
    }
}
