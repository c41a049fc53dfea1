//! Runs every event with `sam local invoke`, then one whole onboarding through `sam local start-api`, both against the
//! local stack. Started by `e2e/sam-local/run`, which prepares tools, engine, image and build.

mod api;
mod invoke;
mod support;

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use local::client::Client;
use local::{LocalStack, Options, containers};
use sam_local::Error;

/// Everything together may take this long.
const LIMIT: Duration = Duration::from_mins(15);

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    let outcome = tokio::time::timeout(LIMIT, everything()).await;
    let failed = outcome.unwrap_or_else(|_| Err("it took too long".into())).unwrap_or_else(|error| {
        println!("FAILED  {error}");
        1
    });
    println!("\nsam local: {failed} failed, {} s", started.elapsed().as_secs());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How much failed.
async fn everything() -> Result<usize, Error> {
    let bridge: IpAddr = std::env::var("BRIDGE").unwrap_or_else(|_| containers::BRIDGE.to_owned()).parse()?;
    let mut options = Options { port: containers::PORT, containers: Some(bridge), ..Options::default() };
    // Tested elsewhere, and waiting for it would be most of this test. The functions are told so by `support/sam.rs`.
    options.simulator.behavior.rate_limit = None;
    let (stack, client) = start(Options { by_hand: true, ..options.clone() }).await?;
    let mut failed = invoke::all(&stack, &client).await?;
    stack.stop().await?;
    // The API alone does not bring an onboarding to its key: nothing of SAM reads the stream or the queues.
    let (stack, client) = start(options).await?;
    if let Err(error) = api::onboarding(&stack, &client).await {
        println!("FAILED  the API: {error}");
        failed += 1;
    }
    stack.stop().await?;
    Ok(failed)
}

async fn start(options: Options) -> Result<(LocalStack, Client), Error> {
    let stack = LocalStack::start(options).await.map_err(|error| format!("the local stack does not start: {error}"))?;
    let client = Client::new(&stack.origin)?;
    Ok((stack, client))
}
