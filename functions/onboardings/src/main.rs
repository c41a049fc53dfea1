//! Runs the function on Lambda.

use onboardings::{Onboardings, Settings};
use runtime::{StartError, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start(Settings::read).await?;
    api::serve(Onboardings::new(&dependencies, settings)).await
}
