//! Deploys the real template and drives it, step by step. Started by `e2e/deployed/run`, which prepares tools, build and
//! environment.

mod journey;
mod secrecy_kept;
mod setting_up;
mod trouble;
mod webhooks;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use deployed::Error;
use deployed::ministack::MiniStack;
use setting_up::World;

/// All steps together may take this long.
const LIMIT: Duration = Duration::from_mins(15);

#[tokio::main]
async fn main() -> ExitCode {
    let mut steps = Steps { passed: 0, failed: 0, started: Instant::now() };
    let outcome = tokio::time::timeout(LIMIT, everything(&mut steps)).await;
    if let Err(error) = outcome.unwrap_or_else(|_| Err("the steps took too long".into())) {
        println!("{error}");
    }
    println!("\ndeployed: {} passed, {} failed", steps.passed, steps.failed);
    println!("{} s", steps.started.elapsed().as_secs());
    if steps.failed == 0 && steps.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn everything(steps: &mut Steps) -> Result<(), Error> {
    let endpoint = setting_up::endpoint()?;
    let log = std::fs::File::create(setting_up::folder().join("ministack.log"))?;
    let ministack = steps.step("MiniStack starts", MiniStack::start(&endpoint, log)).await?;
    let outcome = on(steps, &endpoint).await;
    if outcome.is_err() {
        secrecy_kept::keep_logs(&setting_up::folder()).await;
    }
    ministack.stop().await?;
    outcome
}

async fn on(steps: &mut Steps, endpoint: &url::Url) -> Result<(), Error> {
    let mut world = steps.step("the previous template is deployed", World::deployed(endpoint)).await?;
    steps.step("no function starts before the secret is filled in", world.refuses_without_secrets()).await?;
    steps.step("the secret is filled in, and a webhook is kept", world.fill_in()).await?;
    steps.step("the stack is updated to this template and keeps the table's data", world.update()).await?;
    steps.step("the page is served with its headers", journey::page(&world)).await?;
    steps.step("an onboarding, from start to the key in Secrets Manager", journey::to_the_key(&mut world)).await?;
    steps.step("webhooks: signed, forged, unsigned, repeated, unknown", webhooks::of_the_hub(&world)).await?;
    steps.step("webhooks of Meta: handshake and account_update", webhooks::of_meta(&world)).await?;
    steps.step("a dead Hub comes back, and nothing is lost or made twice", trouble::dead_hub(&mut world)).await?;
    steps.step("a message becomes a dead letter and is redriven", trouble::dead_letter(&mut world)).await?;
    steps.step("the schedule finds a channel whose webhook was lost", trouble::lost_webhook(&mut world)).await?;
    steps.step("no log line of any function holds a secret", secrecy_kept::in_logs(&world)).await
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
        let outcome = work.await;
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
