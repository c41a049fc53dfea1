//! Woken by the table's stream, and each minute: gives permits to call the Hub, and settles what needs none.

use std::time::Instant;

use runtime::Dependencies;
use runtime::settings::DispatcherConfig;
use serde::Deserialize;
use serde_json::Value;
use store::WorkKey;
use workflow::Dispatched;

/// Which records of the stream wake the dispatcher, by their keys: entries of a history, and webhooks. The template's event
/// source mapping has the same patterns.
pub const FILTERS: [&str; 2] =
    [r#"{"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"EVT#"}]}}}}"#, r#"{"dynamodb":{"Keys":{"sk":{"S":["INBOX"]}}}}"#];

/// The message of the line that is logged when a run fails. The template counts these lines, because to Lambda a handler that
/// returns an error may look like one that succeeded.
pub const FAILED: &str = "dispatcher failed";

/// Gives permits, and settles what needs none.
#[derive(Clone)]
pub struct Dispatcher(pub workflow::Dispatcher);

/// What the stream's mapping hands over; the schedule's event has no records.
#[derive(Deserialize)]
struct StreamEvent {
    #[serde(default, rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl Dispatcher {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: DispatcherConfig) -> Self {
        Self(dependencies.dispatcher(settings))
    }

    /// Handles one event: of the stream, or of the schedule. It ends before `deadline`, the end of the invocation.
    ///
    /// # Errors
    /// A sentence, if the table or a queue is out of reach. What is due stays due.
    pub async fn handle(&self, event: Value, deadline: Option<Instant>) -> Result<Dispatched, String> {
        let done = self.run(event, deadline).await.and_then(|done| match done.unsent {
            0 => Ok(done),
            unsent => Err(format!("{unsent} messages were not taken by their queues")),
        });
        done.inspect_err(|error| tracing::error!(%error, "{FAILED}"))
    }

    async fn run(&self, event: Value, deadline: Option<Instant>) -> Result<Dispatched, String> {
        let event: StreamEvent = serde_json::from_value(event).map_err(|error| format!("not an event: {error}"))?;
        if event.records.is_empty() {
            return self.0.minute(deadline).await;
        }
        // Whatever the record says of the item: it is read.
        let mut keys: Vec<WorkKey> = Vec::new();
        for Record { dynamodb: Change { keys: Keys { pk, sk } } } in event.records {
            for key in WorkKey::of_item(&pk.text, &sk.text) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        self.0.woken(&keys, deadline).await
    }
}
