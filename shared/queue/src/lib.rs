#![doc = include_str!("../README.md")]

#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "aws")]
mod sqs;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

#[cfg(feature = "memory")]
pub use memory::{MemoryQueue, Received};
#[cfg(feature = "aws")]
pub use sqs::SqsQueue;

pub use onboarding::Step;
use onboarding::{Class, EventId, ImportId, OnboardingId};

/// What is to be done, and the permit for it. Carries ids only; the worker reads the present state from the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// About what.
    #[serde(flatten)]
    pub about: About,
    /// The id of the permit: of one call to the Hub, unless the class is [`Class::Free`].
    pub permit: String,
    /// How urgent the work was.
    pub class: Class,
    /// Whether calls to the Hub had failed when it was sent, so that one that succeeds is worth noting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_failures: bool,
}

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About {
    /// An onboarding that may be moved on.
    Onboarding {
        /// Which.
        onboarding_id: OnboardingId,
    },
    /// A webhook in the inbox, of a channel for which the Hub is to be asked.
    Inbox {
        /// The key of the webhook in the inbox.
        inbox_key: String,
    },
    /// An event to be told.
    Event {
        /// Of which onboarding; absent if it is of none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        onboarding_id: Option<OnboardingId>,
        /// Which.
        event_id: EventId,
    },
    /// Events that are told once more: the next page of them.
    Replay,
    /// An import of channels: its next call.
    Import {
        /// Which.
        import_id: ImportId,
    },
    /// The daily sweep of all channels and client accounts: its next page.
    Sweep,
    /// The token with which we call the Hub.
    Token,
    /// Whether the Hub is well again.
    Probe,
}

/// A queue. Each is worked off by a function of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueName {
    /// Of a step that has one.
    Step(Step),
    /// Of events to be told.
    Deliveries,
}

impl QueueName {
    /// Every queue.
    pub fn all() -> impl Iterator<Item = Self> {
        Step::queued().map(Self::Step).chain([Self::Deliveries])
    }

    /// The word used in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step(step) => step.as_str(),
            Self::Deliveries => "deliveries",
        }
    }

    /// The variable that holds its URL; `None` for a step without a queue.
    pub fn variable(self) -> Option<&'static str> {
        match self {
            Self::Step(step) => step.spec().queue,
            Self::Deliveries => Some("DELIVERIES_QUEUE_URL"),
        }
    }
}

impl From<Step> for QueueName {
    fn from(step: Step) -> Self {
        Self::Step(step)
    }
}

/// The shape of a message's body. Another number than this is not ours to guess at.
const VERSION: u8 = 2;

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
    /// The body of a message: `{"v": 2, "kind": "onboarding", "onboarding_id": "onb_…", "permit": "…",
    /// "class": "key"}`.
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
    /// Try again later; the dispatcher does. Holds why, in a word.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// This function was not given the URL of that queue, or the step has none.
    #[error("{} is not set", .0.variable().unwrap_or("the URL of a queue"))]
    NotConfigured(QueueName),
}

/// Sends tasks to the queues. They arrive at least once, in any order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends a task, to arrive at once.
    async fn send(&self, queue: QueueName, task: &Task) -> Result<(), QueueError>;
}
