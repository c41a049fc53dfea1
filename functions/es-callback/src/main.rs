//! Wires the function and runs it on Lambda.

use es_callback::EsCallback;
use shared::clock::Clock;
use shared::config::{Env, MetaConfig, PageConfig, QueueConfig, SecretConfig, TableConfig};
use shared::queue::Worker;
use shared::wiring::{Aws, StartError, warm};
use shared::{http, steps, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let (table, secret) = (TableConfig::read(&mut env), SecretConfig::read(&mut env));
    let queues = QueueConfig::read(&mut env, &[Worker::ClientAccount, Worker::NumberSubmission]);
    let (meta, page) = (MetaConfig::read(&mut env), PageConfig::read(&mut env));
    let (table, secret, queues, meta, page) = env.finish(|| Ok((table?, secret?, queues?, meta?, page?)))?;
    let aws = Aws::load().await?;
    let step = steps::EsCallback {
        proof: steps::SignupProof::new(aws.http.clone(), &meta),
        store: aws.store(table),
        queue: aws.queue(queues),
        secrets: aws.secrets(secret),
        clock: Clock::system(),
    };
    warm(&step.store, &*step.secrets).await?;
    http::serve(EsCallback { step, page, meta, clock: Clock::system() }).await
}
