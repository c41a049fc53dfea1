//! A twin of the queues in memory, for the local stack and tests: it hides, redelivers and gives up as SQS does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use exchange::Clock;
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::{Queue, QueueError, QueueName, Task};

/// All queues. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryQueue {
    clock: Clock,
    visibility: Duration,
    max_receives: u32,
    queues: Arc<Mutex<Queues>>,
    changed: Arc<Notify>,
}

/// A message as a worker gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Deletes or releases the message, until it is received again.
    pub receipt: String,
    /// The message's id, the same at every delivery.
    pub message_id: String,
    /// What was sent.
    pub body: String,
    /// Deliveries so far, this one included.
    pub receive_count: u32,
}

#[derive(Debug, Default)]
struct Queues {
    waiting: BTreeMap<QueueName, Vec<Message>>,
    dead: BTreeMap<QueueName, Vec<Message>>,
    failures: u32,
    last_number: u64,
}

#[derive(Debug)]
struct Message {
    id: String,
    body: String,
    visible_at: OffsetDateTime,
    receives: u32,
    receipt: Option<String>,
}

impl Message {
    fn received(&self) -> Received {
        Received {
            receipt: self.receipt.clone().unwrap_or_default(),
            message_id: self.id.clone(),
            body: self.body.clone(),
            receive_count: self.receives,
        }
    }
}

impl MemoryQueue {
    /// Empty queues. A message that is received and not deleted within `visibility` is delivered again; after
    /// `max_receives` deliveries it is a dead letter.
    pub fn new(clock: Clock, visibility: Duration, max_receives: u32) -> Self {
        Self { clock, visibility, max_receives, queues: Arc::default(), changed: Arc::default() }
    }

    /// Makes the next `times` sends fail.
    pub fn fail_next(&self, times: u32) {
        self.lock().failures = times;
    }

    /// Puts any text into a queue, to be delivered after `delay`: SQS may be slow.
    pub fn send_text(&self, queue: impl Into<QueueName>, body: &str, delay: Duration) {
        self.put(&mut self.lock(), queue.into(), body.to_owned(), delay);
    }

    /// At most `max` messages that are visible now, those that have been visible longest first.
    pub fn receive(&self, queue: impl Into<QueueName>, max: usize) -> Vec<Received> {
        let (now, queue) = (self.clock.now(), queue.into());
        let queues = &mut *self.lock();
        let waiting = queues.waiting.entry(queue).or_default();
        let spent = |message: &mut Message| message.visible_at <= now && message.receives >= self.max_receives;
        queues.dead.entry(queue).or_default().extend(waiting.extract_if(.., spent));
        // Stable: equal times stay in the order of sending.
        waiting.sort_by_key(|message| message.visible_at);
        let mut received = Vec::new();
        for message in waiting.iter_mut().filter(|message| message.visible_at <= now).take(max) {
            queues.last_number += 1;
            message.receipt = Some(format!("receipt-{}", queues.last_number));
            message.receives += 1;
            message.visible_at = now + self.visibility;
            received.push(message.received());
        }
        received
    }

    /// Removes a message. `false` if the receipt is no longer the message's.
    pub fn delete(&self, receipt: &str) -> bool {
        self.lock().waiting.values_mut().any(|messages| {
            let place = messages.iter().position(|message| message.receipt.as_deref() == Some(receipt));
            place.map(|place| messages.remove(place)).is_some()
        })
    }

    /// Makes a received message visible again after `delay`. `false` if the receipt is no longer the message's.
    pub fn release(&self, receipt: &str, delay: Duration) -> bool {
        let visible_at = self.clock.now() + delay;
        let released = self.lock().waiting.values_mut().flatten().any(|message| {
            let ours = message.receipt.as_deref() == Some(receipt);
            if ours {
                message.visible_at = visible_at;
            }
            ours
        });
        self.changed.notify_waiters();
        released
    }

    /// The messages that were given up, oldest first. Their receipts are of no use.
    pub fn dead_letters(&self, queue: impl Into<QueueName>) -> Vec<Received> {
        self.lock().dead.get(&queue.into()).into_iter().flatten().map(Message::received).collect()
    }

    /// Puts the dead letters back as if they had just been sent. Returns how many.
    pub fn redrive(&self, queue: impl Into<QueueName>) -> usize {
        let (now, queue) = (self.clock.now(), queue.into());
        let queues = &mut *self.lock();
        let dead = std::mem::take(queues.dead.entry(queue).or_default());
        let count = dead.len();
        let fresh = dead.into_iter().map(|message| Message { receives: 0, receipt: None, visible_at: now, ..message });
        queues.waiting.entry(queue).or_default().extend(fresh);
        self.changed.notify_waiters();
        count
    }

    /// Messages that are neither deleted nor dead letters, whether visible or not.
    pub fn len(&self, queue: impl Into<QueueName>) -> usize {
        self.lock().waiting.get(&queue.into()).map_or(0, Vec::len)
    }

    /// Whether [`Self::len`] is 0.
    pub fn is_empty(&self, queue: impl Into<QueueName>) -> bool {
        self.len(queue) == 0
    }

    /// When the next message becomes visible, or since when one is.
    pub fn next_due(&self, queue: impl Into<QueueName>) -> Option<OffsetDateTime> {
        self.lock().waiting.get(&queue.into())?.iter().map(|message| message.visible_at).min()
    }

    /// Resolves when a message is next sent, released or redriven to any queue. Counts from the call, not from the first
    /// poll: call it, then look for messages, then await it, and none is missed.
    pub fn notified(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn put(&self, queues: &mut Queues, queue: QueueName, body: String, delay: Duration) {
        queues.last_number += 1;
        let message = Message {
            id: format!("message-{}", queues.last_number),
            body,
            visible_at: self.clock.now() + delay,
            receives: 0,
            receipt: None,
        };
        queues.waiting.entry(queue).or_default().push(message);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, queue: QueueName, task: &Task) -> Result<(), QueueError> {
        let body = task.body()?;
        let queues = &mut *self.lock();
        if queues.failures > 0 {
            queues.failures -= 1;
            return Err(QueueError::Unavailable("told to fail".to_owned()));
        }
        self.put(queues, queue, body, Duration::ZERO);
        Ok(())
    }
}
