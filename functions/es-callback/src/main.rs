//! Runs the function on Lambda.

use es_callback::{EsCallback, Settings};
use runtime::{StartError, start_edge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let (dependencies, settings) = start_edge(Settings::read).await?;
    api::serve(EsCallback::new(&dependencies, settings)).await
}
