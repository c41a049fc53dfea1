//! The queues at SQS.

use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use time::Duration;

use super::{Queue, QueueError, Task, Worker, delay_seconds};
use crate::aws::reason;
use crate::config::QueueConfig;
use crate::telemetry::milliseconds;

/// Sends to SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    queues: QueueConfig,
}

impl SqsQueue {
    /// Sends to these queues.
    pub fn new(client: Client, queues: QueueConfig) -> Self {
        Self { client, queues }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, worker: Worker, task: &Task, delay: Duration) -> Result<(), QueueError> {
        let url = self.queues.urls.get(&worker).ok_or(QueueError::NotConfigured(worker))?;
        let body = task.body()?;
        let started = Instant::now();
        let sent = self
            .client
            .send_message()
            .queue_url(url.as_str())
            .message_body(body)
            .delay_seconds(delay_seconds(delay))
            .send()
            .await
            .map_err(|error| reason(&error));
        let outcome = sent.as_ref().err().map_or("ok", String::as_str);
        let (worker, milliseconds) = (worker.as_str(), milliseconds(started));
        tracing::info!(service = "sqs", route = "SendMessage", worker, outcome, milliseconds, "call");
        sent.map(|_| ()).map_err(QueueError::Unavailable)
    }
}
