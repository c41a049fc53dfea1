//! Runs the function on Lambda.

use event_publisher::EventPublisher;
use runtime::settings::EventConfig;
use runtime::{StartError, start_worker, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_worker(EventConfig::read).await?;
    let function = EventPublisher::new(&dependencies, settings)?;
    worker::serve(|task, deadline| function.handle(task, deadline)).await
}
