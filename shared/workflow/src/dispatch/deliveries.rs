//! Events to be told: each when it is due, and those that wait for the partner's webhook once it answers again.

use onboarding::{Class, EndpointState};
use store::{Due, EventKey, WorkKey};

use super::admission::admit;
use super::pass::{Pass, PassError, new_id};

/// How many one pass sends of each kind: the stream waits meanwhile.
const DELIVERIES: u32 = 200;
/// Among so many of the oldest is looked for the one that was tried least.
const CANDIDATES: u32 = 25;

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

    /// Sends for the events that wait for the partner's webhook: for all if it answers again, and for one at its time if not.
    async fn held(&mut self) -> Result<(), PassError> {
        let (store, now) = (&self.dispatcher.store, self.dispatcher.clock.now());
        if store.due(Class::Held, now, 1).await?.is_empty() {
            return Ok(());
        }
        match store.endpoint().await?.state() {
            EndpointState::Well => {
                let due = store.due(Class::Held, now, DELIVERIES).await?;
                self.done.waits |= due.len() >= DELIVERIES as usize;
                self.send_all(Class::Held, due).await
            }
            EndpointState::BackingOff(at) if at <= now => {
                let due = store.due(Class::Held, now, CANDIDATES).await?;
                let Some(first) = self.least_tried(due).await? else { return Ok(()) };
                if self.dispatcher.store.try_endpoint(now).await? {
                    self.send_all(Class::Held, vec![first]).await?;
                }
                Ok(())
            }
            EndpointState::BackingOff(_) | EndpointState::Off => Ok(()),
        }
    }

    /// The one that the webhook refused least often, of those the oldest. An event that it never takes must not keep the others
    /// from being tried.
    async fn least_tried(&self, due: Vec<Due>) -> Result<Option<Due>, PassError> {
        let key = |due: &Due| match &due.key {
            WorkKey::Event(key) => Some(key.clone()),
            _ => None,
        };
        let keys: Vec<EventKey> = due.iter().filter_map(key).collect();
        let failures = self.dispatcher.store.failures_of(&keys).await?;
        let failures_of = |due: &Due| {
            let known = failures.iter().find(|(known, _)| key(due).as_ref() == Some(known));
            known.map_or(0, |(_, failures)| *failures)
        };
        // Of equals the first.
        Ok(due.into_iter().min_by_key(failures_of))
    }

    async fn send_all(&mut self, class: Class, due: Vec<Due>) -> Result<(), PassError> {
        let (store, clock) = (self.dispatcher.store.clone(), self.dispatcher.clock.clone());
        for due in due {
            if self.is_over() {
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
