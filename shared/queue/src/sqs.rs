//! The queues at SQS.

use std::collections::BTreeMap;
use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use telemetry::milliseconds;
use telemetry::reason;
use url::Url;

use super::{Queue, QueueError, QueueName, Task};

/// Sends to SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    urls: BTreeMap<QueueName, Url>,
}

impl SqsQueue {
    /// Sends to these queues.
    pub fn new(client: Client, urls: BTreeMap<QueueName, Url>) -> Self {
        Self { client, urls }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, queue: QueueName, task: &Task) -> Result<(), QueueError> {
        let url = self.urls.get(&queue).ok_or(QueueError::NotConfigured(queue))?;
        let body = task.body()?;
        let started = Instant::now();
        let sent = self
            .client
            .send_message()
            .queue_url(url.as_str())
            .message_body(body)
            .send()
            .await
            .map_err(|error| reason(&error));
        let outcome = sent.as_ref().err().map_or("ok", String::as_str);
        let (queue, milliseconds) = (queue.as_str(), milliseconds(started));
        tracing::info!(service = "sqs", route = "SendMessage", queue, outcome, milliseconds, "call");
        sent.map(|_| ()).map_err(QueueError::Unavailable)
    }
}
