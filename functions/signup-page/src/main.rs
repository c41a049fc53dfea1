//! Wires the function and runs it on Lambda.

use shared::config::{Env, MetaConfig, PageConfig};
use shared::wiring::StartError;
use shared::{http, telemetry};
use signup_page::SignupPage;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let (page, meta) = (PageConfig::read(&mut env), MetaConfig::read(&mut env));
    let (page, meta) = env.finish(|| Ok((page?, meta?)))?;
    http::serve(SignupPage::new(&page, &meta)).await
}
