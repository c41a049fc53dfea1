//! Runs the function on Lambda.

use queue::Step;
use runtime::settings::WebhookConfig;
use runtime::{StartError, start};
use webhook_receipt::WebhookReceipt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start([Step::KeyCreation], WebhookConfig::read).await?;
    api::serve(WebhookReceipt::new(&dependencies, &settings)).await
}
