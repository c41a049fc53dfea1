//! Runs the function on Lambda.

use onboardings::{Onboardings, Settings};
use queue::Step;
use runtime::{StartError, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start(Step::queued(), Settings::read).await?;
    api::serve(Onboardings::new(&dependencies, settings)).await
}
