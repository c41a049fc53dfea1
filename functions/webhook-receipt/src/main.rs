//! Wires the function and runs it on Lambda.

use shared::config::{Env, QueueConfig, SecretConfig, TableConfig, WebhookConfig};
use shared::queue::Worker;
use shared::wiring::{Aws, StartError, warm};
use shared::{http, steps, telemetry};
use webhook_receipt::WebhookReceipt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let (table, secret) = (TableConfig::read(&mut env), SecretConfig::read(&mut env));
    let queues = QueueConfig::read(&mut env, &[Worker::KeyCreation]);
    let webhook = WebhookConfig::read(&mut env);
    let (table, secret, queues, webhook) = env.finish(|| Ok((table?, secret?, queues?, webhook?)))?;
    let aws = Aws::load().await?;
    let step = steps::WebhookReceipt {
        store: aws.store(table),
        queue: aws.queue(queues),
        secrets: aws.secrets(secret),
        token_header: webhook.token_header.to_string(),
    };
    warm(&step.store, &*step.secrets).await?;
    http::serve(WebhookReceipt { step }).await
}
