//! What is between SQS and a worker: batches taken apart, messages told done or failed.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use queue::{About, Task};
use tracing::Instrument;

/// Nothing could be recorded of a task. Its message is delivered again, and after some times becomes a dead letter. Holds
/// why, for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorkerError(pub String);

/// Works off the function's queue on Lambda until the sandbox is stopped.
///
/// # Errors
/// Only if Lambda's runtime API cannot be reached.
pub async fn serve<F, Fut>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: Fn(Task, Option<Instant>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), WorkerError>> + Send,
{
    let handle = Arc::new(handle);
    // Not `lambda_runtime::run`, which would open a span of its own around ours.
    Runtime::new(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let handle = Arc::clone(&handle);
        async move {
            let deadline = deadline(event.context.deadline);
            let answer = run(event.payload, &event.context.request_id, deadline, &*handle).await;
            Ok::<_, std::convert::Infallible>(answer)
        }
    }))
    .run()
    .await
}

/// When the invocation ends, from Lambda's milliseconds since 1970. Emulators may give none, which is 0.
pub fn deadline(milliseconds: u64) -> Option<Instant> {
    let end = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    (milliseconds > 0).then(|| Instant::now() + left)
}

/// Hands a batch's tasks to `handle`, one after the other, and names the messages that failed.
pub async fn run<F, Fut>(event: SqsEvent, request_id: &str, deadline: Option<Instant>, handle: F) -> SqsBatchResponse
where
    F: Fn(Task, Option<Instant>) -> Fut,
    Fut: Future<Output = Result<(), WorkerError>> + Send,
{
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let span = telemetry::invocation_span(request_id);
        if !one(&message, deadline, &handle).instrument(span).await {
            // SQS always gives an id. Should it be missing, an empty one makes Lambda take the whole batch as failed.
            response.add_failure(message.message_id.unwrap_or_default());
        }
    }
    response
}

/// Whether the message is done with.
async fn one<F, Fut>(message: &SqsMessage, deadline: Option<Instant>, handle: F) -> bool
where
    F: Fn(Task, Option<Instant>) -> Fut,
    Fut: Future<Output = Result<(), WorkerError>> + Send,
{
    let message_id = message.message_id.as_deref();
    let task = match Task::from_body(message.body.as_deref().unwrap_or_default()) {
        Ok(task) => task,
        Err(error) => {
            tracing::error!(message_id, %error, "message refused");
            return false;
        }
    };
    if let About::Onboarding { onboarding_id } = &task.about {
        telemetry::set_onboarding(onboarding_id.as_str());
    }
    match handle(task, deadline).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(message_id, %error, "message failed");
            false
        }
    }
}
