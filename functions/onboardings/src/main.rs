//! Runs the function on Lambda.

use onboardings::{Onboardings, SENDS_TO, Settings};
use runtime::{StartError, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start(SENDS_TO, Settings::read).await?;
    api::serve(Onboardings::new(&dependencies, settings)).await
}
