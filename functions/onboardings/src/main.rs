//! Wires the function and runs it on Lambda.

use onboardings::Onboardings;
use shared::clock::Clock;
use shared::config::{Env, MetaConfig, PageConfig, QueueConfig, SecretConfig, TableConfig};
use shared::queue::Worker;
use shared::wiring::{Aws, StartError, warm};
use shared::{http, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let (table, secret) = (TableConfig::read(&mut env), SecretConfig::read(&mut env));
    let queues = QueueConfig::read(&mut env, &Worker::ALL);
    let (meta, page) = (MetaConfig::read(&mut env), PageConfig::read(&mut env));
    let (table, secret, queues, meta, page) = env.finish(|| Ok((table?, secret?, queues?, meta?, page?)))?;
    let aws = Aws::load().await?;
    let function = Onboardings {
        store: aws.store(table),
        queue: aws.queue(queues),
        secrets: aws.secrets(secret),
        page,
        meta,
        clock: Clock::system(),
    };
    warm(&function.store, &*function.secrets).await?;
    http::serve(function).await
}
