//! Runs the function on Lambda.

use key_creation::{KeyCreation, SENDS_TO, Settings};
use runtime::{StartError, start, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start(SENDS_TO, Settings::read).await?;
    let function = KeyCreation::new(&dependencies, settings);
    worker::serve(|task| function.handle(task)).await
}
