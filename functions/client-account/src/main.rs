//! Wires the function and runs it on Lambda.

use client_account::ClientAccount;
use shared::config::Env;
use shared::queue::Worker;
use shared::wiring::{Aws, HubSettings, StartError, hub_work};
use shared::{telemetry, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let settings = HubSettings::read(&mut env, &[Worker::ClientAccount]);
    let settings = env.finish(|| settings)?;
    let function = ClientAccount { work: hub_work(&Aws::load().await?, settings).await? };
    worker::serve(|task| function.handle(task)).await
}
