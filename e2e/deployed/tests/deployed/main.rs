//! Deploys the real template and drives it, step by step. Started by `e2e/deployed/run`, which prepares tools, build and
//! environment.

mod absent;
mod browser;
mod events;
mod journey;
mod orders;
mod permissions;
mod secrecy_kept;
mod support;
mod trouble;
mod webhooks;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use deployed::Error;
use deployed::ministack::MiniStack;
use futures_util::FutureExt as _;
use support::stack::{self, DeployedStack};
use tokio::signal::unix::{SignalKind, signal};

/// All steps together may take this long.
const LIMIT: Duration = Duration::from_mins(15);

#[tokio::main]
async fn main() -> ExitCode {
    let mut steps = Steps { passed: 0, failed: 0, started: Instant::now() };
    // What is dropped here stops what it started.
    let outcome = tokio::select! {
        outcome = everything(&mut steps) => outcome,
        () = tokio::time::sleep(LIMIT) => Err("the steps took too long".into()),
        () = stopped() => Err("stopped".into()),
    };
    if let Err(error) = &outcome {
        println!("{error}");
    }
    println!("\ndeployed: {} passed, {} failed", steps.passed, steps.failed);
    println!("{} s", steps.started.elapsed().as_secs());
    if outcome.is_ok() && steps.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Waits until somebody wants this to end.
async fn stopped() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn everything(steps: &mut Steps) -> Result<(), Error> {
    let endpoint = stack::endpoint()?;
    let log = std::fs::File::create(stack::ministack_log())?;
    let ministack = steps.step("MiniStack starts", MiniStack::start(&endpoint, log)).await?;
    let outcome = on(steps, &endpoint).await;
    if outcome.is_err() {
        secrecy_kept::keep_logs(&stack::folder()).await;
    }
    let stopped = steps.step("everything is stopped", ministack.stop()).await;
    outcome.and(stopped)
}

async fn on(steps: &mut Steps, endpoint: &url::Url) -> Result<(), Error> {
    let previous = format!("the previous template is deployed ({})", stack::previous());
    let mut stack = steps.step(&previous, DeployedStack::deployed(endpoint)).await?;
    steps
        .step("before the secrets are filled in, functions say what is missing", stack.refuses_without_secrets())
        .await?;
    steps.step("the secrets are filled in, and a webhook is kept", stack.fill_in()).await?;
    steps.step("the stack is updated to this template and keeps the table's data", stack.update()).await?;
    steps.step("the page is served with its headers", journey::page(&stack)).await?;
    steps.step("an onboarding, from start to the key in Secrets Manager", journey::to_the_key(&mut stack)).await?;
    steps
        .step(
            "its events reach the partner's webhook, which refuses one, and EventBridge, and are replayed",
            events::reach_the_partner(&mut stack),
        )
        .await?;
    steps.step("the same by a customer in a real browser", browser::connects_a_number(&mut stack)).await?;
    steps.step("a number is chosen, and what was refused is retried", journey::with_retries(&mut stack)).await?;
    steps.step("a link is renewed and taken back, an onboarding is called off", orders::of_a_link(&mut stack)).await?;
    steps.step("a key is replaced, a number leaves and is erased", orders::of_a_number(&mut stack)).await?;
    steps.step("channels that were there before are imported", orders::imports(&mut stack)).await?;
    steps
        .step("webhooks of the Hub: signed, forged, unsigned, repeated, unknown", webhooks::of_the_hub(&stack))
        .await?;
    steps.step("webhooks of Meta: handshake, signed, forged, unsigned", webhooks::of_meta(&mut stack)).await?;
    steps.step("a dead Hub comes back, and nothing is lost or made twice", trouble::dead_hub(&mut stack)).await?;
    steps.step("a message becomes a dead letter and is redriven", trouble::dead_letter(&mut stack)).await?;
    steps.step("what lost its message or webhook goes on by itself", trouble::lost_messages(&mut stack)).await?;
    steps.step("a customer who closed the tab is found by what Meta reports", absent::customer(&mut stack)).await?;
    steps.step("a channel that no onboarding knows is reported", absent::onboarding(&mut stack)).await?;
    steps.step("the partner was told of it, and of the dead Hub", events::of_no_onboarding(&stack)).await?;
    steps.step("the stream has woken the dispatcher, and no run of it failed", async { journey::woken() }).await?;
    steps.step("every role allows what its function did, and no more", permissions::are_least()).await?;
    steps.step("no log line of any function holds a secret", secrecy_kept::in_logs(&stack)).await?;
    stack.stop().await;
    Ok(())
}

struct Steps {
    passed: u32,
    failed: u32,
    started: Instant,
}

impl Steps {
    /// Runs one step and says how it went and how long it took.
    async fn step<T>(&mut self, name: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let started = Instant::now();
        // What drives the browser panics where it cannot go on.
        let outcome = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err("a panic, see above".into()));
        let seconds = started.elapsed().as_secs_f64();
        if outcome.is_ok() {
            self.passed += 1;
            println!("ok     {seconds:6.1} s  {name}");
        } else {
            self.failed += 1;
            println!("FAILED {seconds:6.1} s  {name}");
        }
        outcome
    }
}
