//! Logs hold no secret.

use deployed::{Error, sam};
use serde_json::Value;

use crate::support::stack::{DeployedStack, folder, ministack_log};

const GROUPS: [&str; 10] = [
    "signup-page",
    "onboardings",
    "es-callback",
    "webhook-receipt",
    "client-account",
    "number-submission",
    "key-creation",
    "event-publisher",
    "reconciliation",
    "dispatcher",
];

/// Reads the log of every function, and looks for every code, token, key and secret that passed through the
/// stack. Nothing was denied to a function, either. MiniStack writes no access log; `tests/template/` looks at its format.
pub(crate) async fn in_logs(stack: &DeployedStack) -> Result<(), Error> {
    let secrets = secrets(stack)?;
    for group in GROUPS {
        let log = sam::logs(group).await?;
        // A log that holds nothing proves nothing.
        if !log.contains("\"level\"") && !log.contains("\\\"level\\\"") {
            return Err(format!("{group} has logged nothing: {log}").into());
        }
        if let Some(line) = log.lines().find(|line| line.contains("AccessDenied")) {
            return Err(format!("{group} was denied something: {line}").into());
        }
        holds_none(group, log.lines(), &secrets)?;
    }
    // What a function says before it serves, MiniStack keeps in its own log, among lines of its own.
    let log = std::fs::read_to_string(ministack_log())?;
    let said = || log.lines().filter(|line| line.contains("\"level\":"));
    if said().count() < GROUPS.len() {
        return Err("the functions said nothing when they started".into());
    }
    holds_none("a function at its start", said(), &secrets)
}

fn holds_none<'a>(group: &str, mut lines: impl Iterator<Item = &'a str>, secrets: &[String]) -> Result<(), Error> {
    let Some(line) = lines.find(|line| secrets.iter().any(|secret| line.contains(secret.as_str()))) else {
        return Ok(());
    };
    let shown = secrets.iter().fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), "SECRET"));
    Err(format!("{group} has logged a secret: {shown}").into())
}

/// Those that the test made, and those that the fakes gave out: codes, business tokens, API keys.
fn secrets(stack: &DeployedStack) -> Result<Vec<String>, Error> {
    let path = folder().join("tmp/deployed-fakes.json");
    stack.simulator.save(&path)?;
    let state: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    std::fs::remove_file(&path)?;
    let mut secrets = stack.secrets.clone();
    for kind in ["codes", "business_tokens", "hub_tokens"] {
        let given = state[kind].as_object().ok_or(format!("the fakes do not tell their {kind}"))?;
        secrets.extend(given.keys().cloned());
    }
    let keys = state["keys"].as_array().into_iter().flatten();
    secrets.extend(keys.filter_map(|key| key["api_key"].as_str().map(ToOwned::to_owned)));
    secrets.retain(|secret| !secret.is_empty());
    // Four customers at least, each with a setup token, a code, a business token and a key, beside the stack's secrets.
    if secrets.len() < 20 { Err(format!("only {} secrets to look for", secrets.len()).into()) } else { Ok(secrets) }
}

/// Writes every function's log into the folder, for whoever looks for the cause of a failure.
pub(crate) async fn keep_logs(folder: &std::path::Path) {
    for group in GROUPS {
        let log = sam::logs(group).await.unwrap_or_else(|error| error.to_string());
        let _ = std::fs::write(folder.join(format!("deployed-{group}.log")), log);
    }
    println!("The functions' logs are in {}/deployed-*.log.", folder.display());
}
