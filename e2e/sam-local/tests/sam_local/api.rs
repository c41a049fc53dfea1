//! `sam local start-api`: one onboarding through the API that SAM serves, from start to key.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use local::client::Client;
use local::settings::BACKEND_TOKEN;
use local::{LocalStack, client::start_body, containers};
use sam_local::Error;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::invoke::line;
use crate::support::sam;

/// How long something may take: the containers of functions are made at their first call.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often to look.
const LOOK: Duration = Duration::from_millis(200);

/// Serves the API, drives the onboarding, and stops.
pub(crate) async fn onboarding(stack: &LocalStack, fakes: &Client) -> Result<(), Error> {
    let log = sam::log("start-api");
    let mut process = sam::local(&["start-api"]).stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
    let outcome = tokio::select! {
        outcome = drive(stack, fakes) => outcome,
        ended = process.wait() => Err(format!("sam ended: {}", ended?).into()),
    };
    // Asked politely, it removes its containers.
    if let Some(id) = process.id() {
        Command::new("sh").arg("-c").arg(format!("kill -TERM {id}")).status().await?;
    }
    if timeout(PATIENCE, process.wait()).await.is_err() {
        process.kill().await?;
    }
    outcome.map_err(|error: Error| format!("{error} (see {})", log.display()).into())
}

async fn drive(stack: &LocalStack, fakes: &Client) -> Result<(), Error> {
    let origin = format!("http://127.0.0.1:{}", containers::PORT + 2);
    let api = Client::new(&origin)?;
    let mut step = Step(Instant::now());
    println!();
    timeout(PATIENCE, async {
        while api.get("/signup", "").await.is_err() {
            sleep(LOOK).await;
        }
    })
    .await
    .map_err(|_| "the API is not served")?;
    let page = api.get("/signup", "").await?;
    step.done("GET /signup", page.status, 200)?;
    step.done("GET /signup/page.js", api.get("/signup/page.js", "").await?.status, 200)?;

    let started = api.post("/onboardings", BACKEND_TOKEN, &start_body("tenant-2")).await?;
    step.done("POST /onboardings", started.status, 201)?;
    let (id, link) = (text(&started.body, "id")?, text(&started.body, "setup_url")?);
    let prefix = format!("{origin}/signup#{id}.");
    let token = link.strip_prefix(&prefix).ok_or_else(|| format!("the setup link leads elsewhere: not {prefix}…"))?;

    // The Hub, too, reaches us through SAM.
    stack.simulator.set_webhook_url(&format!("{origin}/webhooks/partner-hub"))?;
    let popup = fakes.popup("one_number:sam-local", "finish").await?;
    let signed_up = api.post(&format!("/onboardings/{id}/es-callback"), token, &popup).await?;
    step.done("POST /onboardings/{id}/es-callback", signed_up.status, 200)?;

    let record = timeout(PATIENCE, ready(&api, id)).await.map_err(|_| "not ready within a minute")??;
    step.done("GET /onboardings/{id} until ready", 200, 200)?;

    // The Hub has said "running" before, which is enough; "live" may still be on its way.
    let ledger =
        timeout(PATIENCE, told_live(fakes, &record["channel_id"])).await.map_err(|_| "never told of live")??;
    step.done("POST /webhooks/partner-hub", 200, 200)?;
    let held = stack.twins.vault.keys().into_iter().find(|(channel, _)| json!(channel) == record["channel_id"]);
    let (_, key) = held.ok_or("no key in the vault")?;
    let keys = of_channel(&ledger, "keys", &record["channel_id"]).count();
    if keys != 1 || !fakes.key_works(&key).await? {
        return Err(format!("the key in the vault does not work, or is one of {keys}").into());
    }
    println!("the key in the vault is the one that the fake Hub accepts");
    Ok(())
}

/// The fakes' ledger, once the webhook that says that the channel is live was acknowledged.
async fn told_live(fakes: &Client, channel_id: &Value) -> Result<Value, Error> {
    loop {
        let ledger = fakes.ledger().await?;
        let acknowledged = |webhook: &Value| webhook["event"] == "channel_live" && webhook["status"] == 200;
        if of_channel(&ledger, "webhooks", channel_id).any(acknowledged) {
            return Ok(ledger);
        }
        sleep(LOOK).await;
    }
}

fn of_channel<'a>(ledger: &'a Value, list: &str, channel_id: &'a Value) -> impl Iterator<Item = &'a Value> {
    ledger[list].as_array().into_iter().flatten().filter(move |entry| entry["channel_id"] == *channel_id)
}

async fn ready(api: &Client, id: &str) -> Result<Value, Error> {
    loop {
        let record = api.get(&format!("/onboardings/{id}"), BACKEND_TOKEN).await?.succeeded()?;
        match record["status"].as_str() {
            Some("ready") => return Ok(record),
            Some("failed" | "expired") => return Err(record.to_string().into()),
            _ => sleep(LOOK).await,
        }
    }
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Error> {
    Ok(body[name].as_str().ok_or_else(|| format!("no {name}: {body}"))?)
}

/// When the step before was done.
struct Step(Instant);

impl Step {
    /// One line, as for an event.
    fn done(&mut self, route: &str, got: u16, expected: u16) -> Result<(), Error> {
        let milliseconds = self.0.elapsed().as_millis();
        self.0 = Instant::now();
        line("the API", route, &expected.to_string(), &got.to_string(), &milliseconds.to_string());
        if got == expected { Ok(()) } else { Err(format!("{route}: {got}").into()) }
    }
}
