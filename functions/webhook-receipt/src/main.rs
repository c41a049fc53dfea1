//! Runs the function on Lambda.

use runtime::settings::WebhookConfig;
use runtime::{StartError, start};
use webhook_receipt::{SENDS_TO, WebhookReceipt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start(SENDS_TO, WebhookConfig::read).await?;
    api::serve(WebhookReceipt::new(&dependencies, &settings)).await
}
