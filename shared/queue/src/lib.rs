#![doc = include_str!("../README.md")]

#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "aws")]
mod sqs;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::Duration;

#[cfg(feature = "memory")]
pub use memory::{MemoryQueue, Received};
#[cfg(feature = "aws")]
pub use sqs::SqsQueue;

pub use onboarding::Step;
use onboarding::call_limit::Slot;
use onboarding::{LONGEST_QUEUE_DELAY, OnboardingId};

/// A pointer to work. Carries ids only; the worker reads current state from the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// An onboarding that may be moved on.
    Onboarding {
        /// The onboarding that may be moved on.
        onboarding_id: OnboardingId,
        /// The slot that the rate limiter reserved for its call of the Hub.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<Slot>,
    },
    /// A webhook in the inbox that is to be matched to its onboarding.
    Inbox {
        /// The key of the webhook in the inbox.
        inbox_key: String,
        /// The slot that the rate limiter reserved for its call of the Hub.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<Slot>,
    },
}

/// The shape of a message's body. Another number than this is not ours to guess at.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Body<T> {
    v: u8,
    #[serde(flatten)]
    task: T,
}

/// A message that is not a task. Says why, never repeats the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTask {
    /// Not JSON, or not of a task's shape.
    #[error("the message is not a task")]
    Shape,
    /// A task of another version of the bundle.
    #[error("the message is a task of an unknown version")]
    Version,
}

impl Task {
    /// The body of a message: `{"v": 1, "kind": "onboarding", "onboarding_id": "onb_…"}`.
    pub fn body(&self) -> Result<String, QueueError> {
        serde_json::to_string(&Body { v: VERSION, task: self })
            .map_err(|_| QueueError::Unavailable("the task cannot be written as JSON".to_owned()))
    }

    /// Reads the body of a message.
    pub fn from_body(text: &str) -> Result<Self, InvalidTask> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u8,
        }

        let Versioned { v } = serde_json::from_str(text).map_err(|_| InvalidTask::Shape)?;
        if v != VERSION {
            return Err(InvalidTask::Version);
        }
        serde_json::from_str::<Body<Self>>(text).map(|body| body.task).map_err(|_| InvalidTask::Shape)
    }
}

/// Why a task was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Try again later; reconciliation does. Holds why, in a word.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// This function was not given the URL of that step's queue, or the step has none.
    #[error("{} is not set", .0.spec().queue.map_or("the URL of a queue", |queue| queue.variable))]
    NotConfigured(Step),
}

/// Sends tasks to the queues of steps. They arrive at least once, in any order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends a task, to arrive after `delay`: whole seconds, rounded up, from none to the 15 minutes that SQS allows.
    async fn send(&self, step: Step, task: &Task, delay: Duration) -> Result<(), QueueError>;
}

/// The delay as SQS takes it, in seconds.
fn delay_seconds(delay: Duration) -> i32 {
    let seconds = delay.whole_seconds() + i64::from(delay.subsec_nanoseconds() > 0);
    i32::try_from(seconds.clamp(0, LONGEST_QUEUE_DELAY.whole_seconds())).unwrap_or_default()
}
