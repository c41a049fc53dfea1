//! Wires the function and runs it on Lambda.

use key_creation::KeyCreation;
use shared::config::{Env, MessagingConfig, VaultConfig};
use shared::hub::messaging::Messaging;
use shared::queue::Worker;
use shared::steps::KeyWork;
use shared::wiring::{Aws, HubSettings, StartError, hub_work};
use shared::{telemetry, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let hub = HubSettings::read(&mut env, &[Worker::KeyCreation]);
    let (vault, messaging) = (VaultConfig::read(&mut env), MessagingConfig::read(&mut env));
    let (hub, vault, messaging) = env.finish(|| Ok((hub?, vault?, messaging?)))?;
    let aws = Aws::load().await?;
    let function = KeyCreation {
        work: KeyWork {
            work: hub_work(&aws, hub).await?,
            vault: aws.vault(vault),
            messaging: Messaging::new(aws.http.clone(), messaging.hosts),
            message_webhook: messaging.webhook_url,
        },
    };
    worker::serve(|task| function.handle(task)).await
}
