//! How messages reach the workers, and what becomes of those that nobody could deal with.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use queue::{Received, Step};
use time::Duration;

use crate::fault_injection::{Activity, Outcome};
use crate::test_bench::TestBench;

/// After this long whatever was put back into the queues is worked off.
const WORKED_OFF: Duration = Duration::hours(8);

/// What is remembered of deliveries.
#[derive(Default)]
pub(crate) struct Deliveries {
    /// The bodies of the messages that were delivered.
    seen: HashSet<String>,
    /// How many deliveries of a message failed because something went wrong as planned.
    disturbed: HashMap<String, u32>,
}

impl TestBench {
    /// Works off the messages that are visible now. Whether there were any.
    pub(crate) async fn work_off(&self) -> bool {
        let mut any = false;
        for step in Step::queued() {
            let messages = self.stack.twins.queue.receive(step, usize::MAX);
            any |= !messages.is_empty();
            let batches = self.manners.lock().unwrap().batches(messages);
            for batch in batches {
                self.deliver(step, batch).await;
            }
        }
        any
    }

    async fn deliver(&self, step: Step, batch: Vec<Received>) {
        let before = self.injection.fault_count();
        let done: Mutex<HashSet<String>> = Mutex::default();
        let work = || async {
            let dealt_with = self.stack.invoke(step, batch.clone()).await;
            done.lock().unwrap().extend(dealt_with.into_iter().map(|message| message.message_id));
        };
        // What comes back after copies of it have met comes once, or it would meet copies of its own for ever.
        let fresh = batch.iter().all(|message| self.deliveries.lock().unwrap().seen.insert(message.body.clone()));
        if fresh || self.repeated.is_none() {
            self.run(Activity::Step(step), work).await;
        } else {
            self.injection.invoke(Activity::Step(step), work()).await;
        }
        let done = done.into_inner().unwrap();
        self.blame(batch.iter().filter(|message| !done.contains(&message.message_id)), before);
    }

    /// Notes that these messages failed because of the faults that were injected after so many. A crash takes the whole
    /// batch with it, any other failure one message.
    fn blame<'a>(&self, failed: impl Iterator<Item = &'a Received>, before: usize) {
        let faults = self.injection.faults_after(before);
        let crashed = faults.iter().any(|outcome| matches!(outcome, Outcome::Crash(_)));
        let most = if crashed { usize::MAX } else { faults.len() };
        let deliveries = &mut self.deliveries.lock().unwrap();
        for message in failed.take(most) {
            *deliveries.disturbed.entry(message.message_id.clone()).or_default() += 1;
        }
    }

    /// The dead letters that were not delivered in vain, as planned, as often as it takes to become one.
    pub(crate) fn unexplained(&self) -> Vec<Received> {
        let queue = &self.stack.twins.queue;
        let deliveries = self.deliveries.lock().unwrap();
        let explained = |dead: &Received| {
            deliveries.disturbed.get(&dead.message_id).is_some_and(|times| *times >= dead.receive_count)
        };
        Step::queued().flat_map(|step| queue.dead_letters(step)).filter(|dead| !explained(dead)).collect()
    }

    /// The operator has the dead letters delivered again, and they are worked off.
    pub(crate) async fn redrive(&self) {
        let queue = &self.stack.twins.queue;
        if Step::queued().map(|step| queue.redrive(step)).sum::<usize>() > 0 {
            self.finish(WORKED_OFF).await;
        }
    }
}
