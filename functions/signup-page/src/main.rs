//! Wires the function and runs it on Lambda.

use shared::config::{Env, PageConfig};
use shared::wiring::StartError;
use shared::{http, telemetry};
use signup_page::SignupPage;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let page = PageConfig::read(&mut env);
    let page = env.finish(|| page)?;
    http::serve(SignupPage::new(&page)).await
}
