//! Runs the function on Lambda.

use es_callback::{EsCallback, Settings};
use runtime::{StartError, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start(Settings::read).await?;
    api::serve(EsCallback::new(&dependencies, settings)).await
}
