//! What SQS, the stream and the schedules do on AWS: hands queued messages to the workers and records of the stream to the
//! dispatcher, runs the dispatcher each minute and reconciliation every five.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use exchange::Clock;
use queue::{MemoryQueue, QueueName, Received};
use runtime::worker;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::functions::Functions;
use crate::stream::{self, Stream};

/// Messages in one invocation, as in the template.
pub const BATCH: usize = 1;
/// How often the dispatcher runs, as in the template.
const MINUTE: Duration = Duration::from_mins(1);
/// How often the stream is read.
const STREAM: Duration = Duration::from_millis(20);
/// How often reconciliation runs, as in the template.
pub const RECONCILIATION: Duration = Duration::from_mins(5);

/// Works off one queue for as long as it is polled.
pub(crate) async fn work(functions: Arc<Functions>, queues: MemoryQueue, name: QueueName, clock: Clock) {
    loop {
        let notified = queues.notified();
        let messages = queues.receive(name, BATCH);
        if messages.is_empty() {
            let due = queues.next_due(name).map(|due| due - clock.now());
            let wait = due.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or(RECONCILIATION);
            // A message that is due but still hidden shows in a millisecond or so.
            tokio::select! {
                () = notified => {}
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
            }
            continue;
        }
        invoke(&functions, &queues, name, messages).await;
    }
}

/// One invocation with a batch, as SQS and Lambda do it: what did not fail is deleted and returned, what failed shows again
/// later.
pub(crate) async fn invoke(
    functions: &Functions,
    queues: &MemoryQueue,
    name: QueueName,
    mut messages: Vec<Received>,
) -> Vec<Received> {
    let mut event = SqsEvent::default();
    event.records = messages.iter().map(record).collect();
    let request_id = uuid::Uuid::new_v4().to_string();
    let response = worker::run(event, &request_id, None, |task, deadline| functions.work(name, task, deadline)).await;
    let failed = |message: &Received| {
        response.batch_item_failures.iter().any(|failure| failure.item_identifier == message.message_id)
    };
    messages.retain(|message| !failed(message));
    for message in &messages {
        queues.delete(&message.receipt);
    }
    messages
}

fn record(message: &Received) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = Some(message.message_id.clone());
    record.receipt_handle = Some(message.receipt.clone());
    record.body = Some(message.body.clone());
    record
}

/// Runs reconciliation on its schedule.
pub(crate) async fn schedule(functions: Arc<Functions>) {
    loop {
        tokio::time::sleep(RECONCILIATION).await;
        if let Err(error) = functions.reconciliation.handle(None).await {
            tracing::warn!(error, "reconciliation failed");
        }
    }
}

/// Hands the stream's records to the dispatcher.
pub(crate) async fn wake(functions: Arc<Functions>, stream: Stream) {
    loop {
        for records in stream.records().chunks(stream::BATCH) {
            dispatch(&functions, stream::event(records)).await;
        }
        tokio::time::sleep(STREAM).await;
    }
}

/// Runs the dispatcher each minute. A run may last until the next one.
pub(crate) async fn minutes(functions: Arc<Functions>) {
    let mut runs = JoinSet::new();
    loop {
        let functions = Arc::clone(&functions);
        runs.spawn(async move { dispatch(&functions, json!({})).await });
        tokio::time::sleep(MINUTE).await;
    }
}

/// Invokes the dispatcher, and logs how long it was awake, as Lambda reports each invocation.
async fn dispatch(functions: &Functions, event: Value) {
    let (records, begun) = (event["Records"].as_array().map_or(0, Vec::len), Instant::now());
    if let Err(error) = functions.dispatcher.handle(event, None).await {
        tracing::warn!(error, "dispatcher failed");
    }
    tracing::info!(records, awake = ?begun.elapsed(), "dispatcher ran");
}
