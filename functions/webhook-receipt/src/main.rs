//! Runs the function on Lambda.

use runtime::settings::WebhookConfig;
use runtime::{StartError, start_edge};
use webhook_receipt::WebhookReceipt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_edge(WebhookConfig::read).await?;
    api::serve(WebhookReceipt::new(&dependencies, &settings)).await
}
