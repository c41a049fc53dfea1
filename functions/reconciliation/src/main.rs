//! Wires the function and runs it on Lambda.

use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use reconciliation::Reconciliation;
use serde_json::Value;
use shared::config::Env;
use shared::queue::Worker;
use shared::wiring::{Aws, HubSettings, StartError, http, hub_work};
use shared::{steps, telemetry};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let settings = HubSettings::read(&mut env, &Worker::ALL);
    let settings = env.finish(|| settings)?;
    let work = steps::Reconciliation { work: hub_work(&Aws::load().await, settings, http()?).await? };
    let function = Reconciliation { work };
    Runtime::new(service_fn(|event: LambdaEvent<Value>| {
        let span = telemetry::invocation_span(&event.context.request_id);
        let function = function.clone();
        // A failed run is an error of the function: the schedule repeats it, and the alarm on errors sees it.
        async move { function.handle().await.map(drop).map_err(StartError::from) }.instrument(span)
    }))
    .run()
    .await
}
