//! Runs the function on Lambda.

use dispatcher::Dispatcher;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use runtime::settings::DispatcherConfig;
use runtime::{StartError, start_without_secret, worker};
use serde_json::Value;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_without_secret(DispatcherConfig::read).await?;
    let function = Dispatcher::new(&dependencies, settings);
    Runtime::new(service_fn(|event: LambdaEvent<Value>| {
        let span = telemetry::invocation_span(&event.context.request_id);
        let function = function.clone();
        let deadline = worker::deadline(event.context.deadline);
        async move { function.handle(event.payload, deadline).await.map(drop).map_err(StartError::from) }
            .instrument(span)
    }))
    .run()
    .await
}
