//! Runs the function on Lambda.

use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use reconciliation::{Reconciliation, Settings};
use runtime::{StartError, start_edge, worker};
use serde_json::Value;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_edge(Settings::read).await?;
    let function = Reconciliation::new(&dependencies, settings);
    Runtime::new(service_fn(|event: LambdaEvent<Value>| {
        let span = telemetry::invocation_span(&event.context.request_id);
        let function = function.clone();
        // A failed run is an error of the function, which the alarm on errors sees. The next run goes on.
        let deadline = worker::deadline(event.context.deadline);
        async move { function.handle(deadline).await.map(drop).map_err(StartError::from) }.instrument(span)
    }))
    .run()
    .await
}
