//! One onboarding over HTTP, from start to key, with its timeline.

use std::time::Duration;

use local::client::Client;
use local::{Error, LocalStack, Options, timeline};
use serde_json::{Value, json};

/// How long to wait for the key. With faults: an account whose creation got no answer has two minutes to appear, and a number
/// that may have been taken as well.
const PATIENCE: Duration = Duration::from_mins(8);
/// How often to look.
const LOOK: Duration = Duration::from_millis(50);

/// Runs it. `Ok(true)` only if the key in the vault is the one that the fake Hub accepts.
pub(crate) async fn run(faults: bool) -> Result<bool, Error> {
    let stack = LocalStack::start(Options::default()).await?;
    let client = Client::new(&stack.origin)?;
    if faults {
        client.order("faults", &ordered_faults()).await?;
    }

    let started = client.start("demo").await?;
    println!("Onboarding {}\n", started.id);
    if faults {
        println!("Faults are ordered; what the Hub does not answer or refuses makes this take about four minutes.\n");
    }
    // The customer opens the link and finishes Meta's popup; the page posts what it returned.
    let popup = client.popup("one_number", "finish").await?;
    client.es_callback(&started, &popup).await?.succeeded()?;

    let record = ready(&client, &started.id).await?;
    let ledger = client.ledger().await?;
    print!("{}", timeline::render(&record, &ledger));

    let works = key_works(&stack, &client).await?;
    let outcome = classify_run(&record, &ledger, works);
    println!("\n{outcome}");
    stack.stop().await?;
    Ok(outcome == Outcome::AsPromised)
}

fn ordered_faults() -> Value {
    json!([
        { "route": "create_client", "status": 500, "after_effect": true },
        { "route": "numbers", "status": 500, "after_effect": true },
        { "route": "webhook.channel_live", "copies": 3, "early": 1 },
    ])
}

/// The record, once nothing moves it any more.
async fn ready(client: &Client, id: &str) -> Result<Value, Error> {
    let looked = tokio::time::timeout(PATIENCE, async {
        loop {
            let record = client.record(id).await?;
            if ["ready", "failed", "expired"].iter().any(|status| record["status"] == *status) {
                return Ok::<_, Error>(record);
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    match looked.await {
        Ok(record) => record,
        Err(_) => Err(format!("not ready after {} seconds: {}", PATIENCE.as_secs(), client.record(id).await?).into()),
    }
}

/// Whether the vault holds exactly one key and the messaging API accepts it.
async fn key_works(stack: &LocalStack, client: &Client) -> Result<bool, Error> {
    match stack.twins.vault.keys().as_slice() {
        [(_, key)] => client.key_works(key).await,
        _ => Ok(false),
    }
}

/// Whether the demo kept the promise: one client, one channel, one key.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    AsPromised,
    NotReady(String),
    KeyRefused,
    NotOnce(String),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AsPromised => {
                f.write_str("As promised: one client, one channel, one valid key, and the vault holds it.")
            }
            Self::NotReady(status) => write!(f, "Broken promise: the onboarding is {status}."),
            Self::KeyRefused => f.write_str("Broken promise: the vault does not hold the key that the Hub accepts."),
            Self::NotOnce(what) => write!(f, "Broken promise: the Hub has {what}, and one of each was promised."),
        }
    }
}

fn classify_run(record: &Value, ledger: &Value, key_works: bool) -> Outcome {
    let count = |name: &str| ledger[name].as_array().map_or(0, Vec::len);
    let valid = ledger["keys"].as_array().into_iter().flatten().filter(|key| key["valid"] == true).count();
    let counts = (count("clients"), count("channels"), valid);
    if record["status"] != "ready" {
        Outcome::NotReady(record["status"].to_string())
    } else if !key_works {
        Outcome::KeyRefused
    } else if counts != (1, 1, 1) {
        Outcome::NotOnce(format!("{} clients, {} channels, {} valid keys", counts.0, counts.1, counts.2))
    } else {
        Outcome::AsPromised
    }
}
