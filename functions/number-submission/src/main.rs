//! Runs the function on Lambda.

use number_submission::NumberSubmission;
use queue::Step;
use runtime::settings::HubConfig;
use runtime::{StartError, start, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start([Step::NumberSubmission], HubConfig::read).await?;
    let function = NumberSubmission::new(&dependencies, settings);
    worker::serve(|task| function.handle(task)).await
}
