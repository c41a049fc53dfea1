//! `simulator`: the fakes as a program of their own.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use simulator::{Payment, Settings, Simulator};

/// A fake 360dialog Partner Hub and a fake Meta, for development and tests.
///
/// Serves both on 127.0.0.1, plays customers who go through Embedded Signup, brings numbers live, sends signed
/// webhooks, and goes wrong on order. Everything can be driven over HTTP under /simulator; see simulator/README.md.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8360)]
    port: u16,
    /// Where partner webhooks go: plain http on this machine
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Where Meta's webhooks go: plain http on this machine
    #[arg(long, value_name = "URL")]
    meta_webhook_url: Option<String>,
    /// Verify token for the handshake with the Meta webhook URL
    #[arg(long, value_name = "TEXT")]
    meta_verify_token: Option<String>,
    /// Id of the partner at the Hub
    #[arg(long, value_name = "ID")]
    partner_id: Option<String>,
    /// API key that the Hub accepts
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Secret that signs partner webhooks; empty: they are not signed
    #[arg(long, value_name = "SECRET")]
    platform_secret: Option<String>,
    /// Id of the Meta app
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Secret of the Meta app
    #[arg(long, value_name = "SECRET")]
    app_secret: Option<String>,
    /// Facebook Login for Business configuration that the popup accepts
    #[arg(long, value_name = "ID")]
    config_id: Option<String>,
    /// Id of the Multi-Partner Solution
    #[arg(long, value_name = "ID")]
    solution_id: Option<String>,
    /// Milliseconds from an accepted number to its `channel_live` event
    #[arg(long, value_name = "MS", default_value_t = 300)]
    live_after_ms: u32,
    /// Milliseconds after live until the channel listing is complete
    #[arg(long, value_name = "MS", default_value_t = 0)]
    listing_lag_ms: u32,
    /// Who pays 360dialog: with `direct`, clients must permit API keys
    #[arg(long, value_enum, default_value_t = Payer::Partner)]
    payment: Payer,
    /// Answer any number of Hub calls, not 5 in 30 seconds
    #[arg(long)]
    no_rate_limit: bool,
    /// File to keep the state in from one run to the next
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Payer {
    Partner,
    Direct,
}

impl Options {
    fn settings(&self) -> Settings {
        let mut settings = Settings {
            port: self.port,
            webhook_url: self.webhook_url.clone(),
            meta_webhook_url: self.meta_webhook_url.clone(),
            ..Settings::default()
        };
        for (field, value) in [
            (&mut settings.meta_verify_token, &self.meta_verify_token),
            (&mut settings.partner_id, &self.partner_id),
            (&mut settings.api_key, &self.api_key),
            (&mut settings.app_id, &self.app_id),
            (&mut settings.app_secret, &self.app_secret),
            (&mut settings.config_id, &self.config_id),
            (&mut settings.solution_id, &self.solution_id),
        ] {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        if let Some(secret) = &self.platform_secret {
            settings.platform_secret = Some(secret.clone()).filter(|secret| !secret.is_empty());
        }
        settings.behavior.live_after_ms = self.live_after_ms;
        settings.behavior.listing_lag_ms = self.listing_lag_ms;
        settings.behavior.payment = match self.payment {
            Payer::Partner => Payment::Partner,
            Payer::Direct => Payment::Direct,
        };
        if self.no_rate_limit {
            settings.behavior.rate_limit = None;
        }
        settings
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let settings = options.settings();
    let simulator = Simulator::start(settings.clone()).await?;
    if let Some(file) = options.keep.as_deref().filter(|file| file.exists()) {
        simulator.load(file)?;
    }
    banner(&simulator, &settings);
    tokio::signal::ctrl_c().await?;
    if let Some(file) = &options.keep {
        simulator.save(file)?;
    }
    simulator.stop().await;
    Ok(())
}

fn banner(simulator: &Simulator, settings: &Settings) {
    let or_none = |url: &Option<String>| url.clone().unwrap_or_else(|| "not set".to_owned());
    println!("Simulator of 360dialog and Meta. Nothing here is real, and nothing leaves this machine.\n");
    println!("  Partner Hub       {}", simulator.hub_url());
    println!("  Graph API         {}", simulator.graph_url());
    println!("  Messaging API     {}", simulator.messaging_url());
    println!("  JavaScript SDK    {}/en_US/sdk.js", simulator.sdk_url());
    println!("  Control           http://{}/simulator/ledger\n", simulator.address());
    println!("  Partner           {}  (X-API-Key: {})", settings.partner_id, settings.api_key);
    println!("  Meta app          {}  (secret: {})", settings.app_id, settings.app_secret);
    println!("  Configuration     {}", settings.config_id);
    println!("  Solution          {}", settings.solution_id);
    println!("  Partner webhooks  {}", or_none(&settings.webhook_url));
    println!("  Meta webhooks     {}\n", or_none(&settings.meta_webhook_url));
    println!("Ctrl-C ends it.");
}
