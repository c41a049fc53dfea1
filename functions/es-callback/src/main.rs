//! Runs the function on Lambda.

use es_callback::{EsCallback, Settings};
use queue::Step;
use runtime::{StartError, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start([Step::ClientAccount, Step::NumberSubmission], Settings::read).await?;
    api::serve(EsCallback::new(&dependencies, settings)).await
}
