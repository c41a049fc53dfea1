//! Work that needs no permit: webhooks that the table can settle, and what key-creation does at the messaging API.

use onboarding::Class;
use store::{Due, WorkKey};

use super::admission::{admit, unless_broken};
use super::pass::{Pass, PassError, new_id};
use crate::inbound::channel_event;

/// How much of it one pass does: the stream waits meanwhile.
const FREE_WORK: u32 = 200;

impl Pass<'_> {
    /// Does what needs no permit. Returns what turned out to need one.
    pub(super) async fn free_work(
        &mut self,
        woken: &[(Class, Due)],
        line: bool,
    ) -> Result<Vec<(Class, Due)>, PassError> {
        let (store, now) = (&self.dispatcher.store, self.dispatcher.clock.now());
        let mut due = if line { store.due(Class::Free, now, FREE_WORK).await? } else { Vec::new() };
        self.done.waits |= due.len() >= FREE_WORK as usize;
        for (_, woken) in woken.iter().filter(|(class, _)| *class == Class::Free) {
            if due.iter().all(|other| other.key != woken.key) {
                due.push(woken.clone());
            }
        }
        let mut asks = Vec::new();
        for due in due {
            if self.is_over() {
                break;
            }
            asks.extend(self.free_one(due).await?);
        }
        Ok(asks)
    }

    /// Does one piece of work, or finds that the Hub has to be asked.
    async fn free_one(&mut self, due: Due) -> Result<Option<(Class, Due)>, PassError> {
        let (store, clock) = (&self.dispatcher.store, &self.dispatcher.clock);
        let Some(state) = admit(store, clock, Class::Free, &due).await? else { return Ok(None) };
        self.done.free += 1;
        if let WorkKey::Inbox(key) = &due.key {
            match unless_broken(channel_event::settle(store, clock, key, None).await)? {
                Ok(Some(class)) => {
                    store.due_next(&due.key, None, class, state.due_at).await?;
                    return Ok(Some((class, due)));
                }
                Ok(None) => {}
                Err(wait) => store.defer(&due, Class::Free, clock.now() + wait).await?,
            }
        } else {
            let id = new_id();
            if store.take(&due.key, &state, &id).await? {
                Self::tell_if_unanswered(&due.key, &state);
                self.send(&due.key, &state, id).await;
            }
        }
        Ok(None)
    }
}
