//! Runs the function on Lambda.

use number_submission::{NumberSubmission, Settings};
use runtime::{StartError, start_worker, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_worker(Settings::read).await?;
    let function = NumberSubmission::new(&dependencies, settings);
    worker::serve(|task, deadline| function.handle(task, deadline)).await
}
