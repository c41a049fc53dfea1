//! Runs the function on Lambda.

use runtime::StartError;
use runtime::settings::Env;
use signup_page::{Settings, SignupPage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let settings = Settings::read(&mut env);
    let settings = env.finish(|| settings)?;
    api::serve(SignupPage::new(&settings)).await
}
