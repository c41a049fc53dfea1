//! How messages reach the workers, and what becomes of those that nobody could deal with.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use local::stream;
use queue::{QueueName, Received};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::support::disturbance::{Disturbance, STREAM_LAG};
use crate::support::fault_injection::{Activity, Outcome};
use crate::support::test_bench::TestBench;

/// After this long whatever was put back into the queues is worked off.
const WORKED_OFF: Duration = Duration::hours(8);

/// What is remembered of deliveries.
#[derive(Default)]
pub(crate) struct Deliveries {
    /// The bodies of the messages that were delivered.
    seen: HashSet<String>,
    /// How many deliveries of a message failed because something went wrong as planned.
    disturbed: HashMap<String, u32>,
    /// Records of the stream that are on their way, and when they come.
    records: Vec<(OffsetDateTime, Value)>,
    /// Invocations of workers, besides those that tell the partner.
    pub(crate) invocations: usize,
}

impl Deliveries {
    /// When the next record comes.
    pub(crate) fn next_record(&self) -> Option<OffsetDateTime> {
        self.records.iter().map(|(at, _)| *at).min()
    }
}

impl TestBench {
    /// Works off the messages that are visible now. Whether there were any.
    pub(crate) async fn work_off(&self) -> bool {
        let mut any = false;
        for name in QueueName::all() {
            let mut messages = self.stack.twins.queue.receive(name, usize::MAX);
            any |= !messages.is_empty();
            self.manners.lock().unwrap().order(&mut messages);
            for message in messages {
                self.deliver(name, vec![message]).await;
            }
        }
        any
    }

    /// Hands the dispatcher what the stream holds now. Whether there was anything.
    pub(crate) async fn wake(&self) -> bool {
        let records = self.records();
        for records in records.chunks(stream::BATCH) {
            let dispatcher = &self.stack.functions.dispatcher;
            self.run(Activity::Dispatcher, || async {
                let woken = || async {
                    if let Err(error) = dispatcher.handle(stream::event(records), None).await {
                        tracing::debug!(error, "dispatcher failed");
                    }
                };
                if self.disturbances.has(Disturbance::TwoReaders) {
                    tokio::join!(woken(), self.stack.look(), woken());
                } else {
                    woken().await;
                }
            })
            .await;
        }
        !records.is_empty()
    }

    /// What the stream hands over now.
    fn records(&self) -> Vec<Value> {
        let (now, disturbances) = (self.now(), &self.disturbances);
        let new = self.stack.stream.records();
        if disturbances.has(Disturbance::WakesLost) {
            return Vec::new();
        }
        let lag = if disturbances.has(Disturbance::StreamLate) { STREAM_LAG } else { Duration::ZERO };
        let mut deliveries = self.deliveries.lock().unwrap();
        deliveries.records.extend(new.into_iter().map(|record| (now + lag, record)));
        let mut due: Vec<Value> =
            deliveries.records.extract_if(.., |(at, _)| *at <= now).map(|(_, record)| record).collect();
        if disturbances.has(Disturbance::RecordsRepeated) {
            // A repeated record has no number, so that it is not repeated for ever.
            for record in due.iter().filter(|record| record.get("eventID").is_some()) {
                let mut again = record.clone();
                again.as_object_mut().unwrap().remove("eventID");
                deliveries.records.push((now + STREAM_LAG, again));
            }
        }
        if disturbances.has(Disturbance::OutOfOrder) {
            due.sort_by_key(|record| Reverse(record.pointer("/dynamodb/Keys/pk/S").map(Value::to_string)));
        }
        due
    }

    async fn deliver(&self, queue: QueueName, batch: Vec<Received>) {
        if matches!(queue, QueueName::Step(_)) {
            self.deliveries.lock().unwrap().invocations += 1;
        }
        let before = self.injection.fault_count();
        let done: Mutex<HashSet<String>> = Mutex::default();
        let work = || async {
            let dealt_with = self.stack.invoke(queue, batch.clone()).await;
            done.lock().unwrap().extend(dealt_with.into_iter().map(|message| message.message_id));
        };
        // What comes back after copies of it have met comes once, or it would meet copies of its own for ever.
        let fresh = batch.iter().all(|message| self.deliveries.lock().unwrap().seen.insert(message.body.clone()));
        let activity = match queue {
            QueueName::Step(step) => Activity::Step(step),
            QueueName::Deliveries => Activity::Publishing,
        };
        if fresh || self.repeated.is_none() {
            self.run(activity, work).await;
        } else {
            self.injection.invoke(activity, work()).await;
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
        QueueName::all().flat_map(|name| queue.dead_letters(name)).filter(|dead| !explained(dead)).collect()
    }

    /// The operator has the dead letters delivered again, and they are worked off.
    pub(crate) async fn redrive(&self) {
        let queue = &self.stack.twins.queue;
        if QueueName::all().map(|name| queue.redrive(name)).sum::<usize>() > 0 {
            self.finish(WORKED_OFF).await;
        }
    }
}
