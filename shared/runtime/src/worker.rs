//! What is between SQS and a worker: batches taken apart, messages told done or failed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use queue::Task;
use tracing::Instrument;

/// What is left before the deadline when no further message is begun: longer than an outbound call may take.
const MARGIN: Duration = Duration::from_secs(12);

/// A task could not be dealt with now. Its message is delivered again, and after some times becomes a dead letter. Holds
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
    F: Fn(Task) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), WorkerError>> + Send,
{
    let handle = Arc::new(handle);
    // Not `lambda_runtime::run`, which would open a span of its own around ours.
    Runtime::new(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let handle = Arc::clone(&handle);
        async move {
            // Emulators may give none, which is 0.
            let deadline = Some(event.context.deadline).filter(|deadline| *deadline > 0);
            let deadline = deadline.map(|deadline| SystemTime::UNIX_EPOCH + Duration::from_millis(deadline));
            let answer = run(event.payload, &event.context.request_id, deadline, &*handle).await;
            Ok::<_, std::convert::Infallible>(answer)
        }
    }))
    .run()
    .await
}

/// Hands a batch's tasks to `handle`, one after the other, and names the messages that failed. Near the deadline the rest
/// of them is left to another invocation, but never all: else a short deadline would stop everything.
pub async fn run<F, Fut>(event: SqsEvent, request_id: &str, deadline: Option<SystemTime>, handle: F) -> SqsBatchResponse
where
    F: Fn(Task) -> Fut,
    Fut: Future<Output = Result<(), WorkerError>> + Send,
{
    let mut response = SqsBatchResponse::default();
    let mut messages = event.records.into_iter().enumerate();
    while let Some((n, message)) = messages.next() {
        if n > 0 && deadline.is_some_and(|deadline| SystemTime::now() + MARGIN > deadline) {
            tracing::warn!(request_id, left = messages.len() + 1, "the deadline is near; messages are left for later");
            response.add_failure(id(&message));
            messages.for_each(|(_, message)| response.add_failure(id(&message)));
            break;
        }
        let span = telemetry::invocation_span(request_id);
        if !one(&message, &handle).instrument(span).await {
            response.add_failure(id(&message));
        }
    }
    response
}

/// Whether the message is done with.
async fn one<F, Fut>(message: &SqsMessage, handle: F) -> bool
where
    F: Fn(Task) -> Fut,
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
    if let Task::Onboarding { onboarding_id, .. } = &task {
        telemetry::set_onboarding(onboarding_id.as_str());
    }
    match handle(task).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(message_id, %error, "message failed");
            false
        }
    }
}

/// SQS always gives an id. Should it be missing, an empty one makes Lambda take the whole batch as failed.
fn id(message: &SqsMessage) -> String {
    message.message_id.clone().unwrap_or_default()
}
