//! Runs the function on Lambda.

use es_callback::{EsCallback, SENDS_TO, Settings};
use runtime::{StartError, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start(SENDS_TO, Settings::read).await?;
    api::serve(EsCallback::new(&dependencies, settings)).await
}
