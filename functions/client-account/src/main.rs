//! Runs the function on Lambda.

use client_account::ClientAccount;
use runtime::settings::HubConfig;
use runtime::{StartError, start_worker, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_worker(HubConfig::read).await?;
    let function = ClientAccount::new(&dependencies, settings);
    worker::serve(|task, deadline| function.handle(task, deadline)).await
}
