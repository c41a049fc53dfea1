//! Wires the function and runs it on Lambda.

use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use reconciliation::Reconciliation;
use serde_json::Value;
use shared::config::{Env, MetaConfig, VaultConfig};
use shared::queue::Worker;
use shared::wiring::{Aws, HubSettings, StartError, hub_work};
use shared::{steps, telemetry};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let (hub, meta) = (HubSettings::read(&mut env, &Worker::ALL), MetaConfig::read(&mut env));
    let vault = VaultConfig::read(&mut env);
    let (hub, meta, vault) = env.finish(|| Ok((hub?, meta?, vault?)))?;
    let aws = Aws::load().await?;
    let proof = steps::SignupProof::new(aws.http.clone(), &meta);
    let work = steps::Reconciliation { work: hub_work(&aws, hub).await?, proof, vault: aws.vault(vault) };
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
