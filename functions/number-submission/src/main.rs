//! Wires the function and runs it on Lambda.

use number_submission::NumberSubmission;
use shared::config::Env;
use shared::queue::Worker;
use shared::wiring::{Aws, HubSettings, StartError, hub_work};
use shared::{telemetry, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let settings = HubSettings::read(&mut env, &[Worker::NumberSubmission]);
    let settings = env.finish(|| settings)?;
    let function = NumberSubmission { work: hub_work(&Aws::load().await?, settings).await? };
    worker::serve(|task| function.handle(task)).await
}
