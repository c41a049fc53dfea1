//! `cargo run`: the whole bundle in one process, for a person. `cargo run -- demo`: one onboarding from start to key.

mod demo;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::client::Client;
use local::containers::{BRIDGE, PORT};
use local::settings::{BACKEND_TOKEN, PARTNER_WEBHOOK_SECRET, PLATFORM_SECRET};
use local::{Error, LocalStack, Options};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the whole onboarding bundle on this machine: gateway, real handlers, an embedded DynamoDB, and a simulator that
/// plays 360dialog and Meta. Needs no account, no Docker and no network.
#[derive(Parser)]
#[command(name = "local", bin_name = "cargo run --", version)]
struct Arguments {
    /// Port on 127.0.0.1.
    #[arg(long, env = "PORT", default_value_t = PORT)]
    port: u16,
    /// Keep table, vault and the fakes' state in this folder from one start to the next. The simulator then listens on the
    /// next port.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = ".local")]
    keep: Option<PathBuf>,
    /// Serve functions in containers too, as `sam local` runs them with env.json: AWS's services, in front of this stack's
    /// table, queues and vault, and the simulator on the next port. ADDRESS is this machine's on Docker's bridge; with
    /// Docker Desktop, which leads there by itself, 127.0.0.1. The onboardings that events/ are about are put into the
    /// table.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = BRIDGE, conflicts_with = "keep")]
    containers: Option<IpAddr>,
    /// Where events are posted, such as `http://127.0.0.1:9000/events`: an https URL, or one of this machine.
    #[arg(long, value_name = "URL", env = "PARTNER_WEBHOOK_URL")]
    partner_webhook_url: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Drives one onboarding over HTTP from start to key, prints its timeline, and succeeds only if the stored key is the
    /// one that the fake Hub accepts.
    Demo {
        /// Order faults first: creating the client answers 500 after creating it, submitting the number answers 429 twice,
        /// and the webhook comes three times, once before the number call has returned. Takes about four minutes.
        #[arg(long)]
        faults: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = std::env::var("RUST_LOG").unwrap_or_else(|_| "off".to_owned());
    tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr).init();
    let result = match &arguments.command {
        Some(Command::Demo { faults }) => demo::run(*faults).await,
        None => serve(arguments).await.map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Error> {
    let Arguments { port, keep, containers, partner_webhook_url, .. } = arguments;
    let variables = partner_webhook_url.iter().map(|url| ("PARTNER_WEBHOOK_URL".to_owned(), url.clone())).collect();
    let options = Options { port, keep: keep.clone(), containers, variables, ..Options::default() };
    let stack = LocalStack::start(options).await.map_err(|error| format!("cannot start on port {port}: {error}"))?;
    let started = Client::new(&stack.origin)?.start("first-customer").await?;
    let table = stack.serve_table().await?;
    println!(
        "\
The onboarding bundle is running.

  Setup link       {}
  API              {}
  Back-end token   {BACKEND_TOKEN}
  Platform secret  {PLATFORM_SECRET}
  Simulator        {origin}/simulator   (control API: simulator/README.md)
  Partner webhook  {}
  Webhook secret   {PARTNER_WEBHOOK_SECRET}
  Table            {table}   (DynamoDB's API; the table is called local)
  State            {}

Another setup link:

  curl -s {url}/onboardings -H 'authorization: Bearer {BACKEND_TOKEN}' -H 'content-type: application/json' \\
    -d '{{\"reference\": \"tenant-1\", \"client\": {{\"name\": \"Nordlicht Fahrrad GmbH\", \"email\": \"lena.voss@nordlicht.example\", \"user_name\": \"Lena Voss\"}}}}'

RUST_LOG=info shows the log. Stop with Ctrl-C.",
        started.setup_url,
        stack.url,
        partner_webhook_url.unwrap_or_else(|| "none; --partner-webhook-url URL sets it".to_owned()),
        keep.map_or("in memory, gone at the end".to_owned(), |folder| format!("kept in {}", folder.display())),
        origin = stack.origin,
        url = stack.url,
    );
    told_to_stop().await?;
    stack.stop().await
}

/// Ctrl-C, or the polite signal of a process manager.
async fn told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
