//! Runs the function on Lambda.

use onboardings::{Onboardings, Settings};
use runtime::{StartError, start_edge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_edge(Settings::read).await?;
    api::serve(Onboardings::new(&dependencies, settings)).await
}
