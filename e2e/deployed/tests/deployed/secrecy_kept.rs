//! Logs hold no secret.

use deployed::{Error, sam};

use crate::setting_up::World;

const GROUPS: [&str; 8] = [
    "signup-page",
    "onboardings",
    "es-callback",
    "webhook-receipt",
    "client-account",
    "number-submission",
    "key-creation",
    "reconciliation",
];

/// Reads every function's log and looks for every code, token, key and secret that passed through the stack.
pub(crate) async fn in_logs(world: &World) -> Result<(), Error> {
    let mut secrets = world.secrets.clone();
    let ledger = world.api.ledger().await?;
    let keys = ledger["keys"].as_array().into_iter().flatten();
    secrets.extend(keys.filter_map(|key| key["api_key"].as_str().map(ToOwned::to_owned)));
    secrets.retain(|secret| !secret.is_empty());
    for group in GROUPS {
        let log = sam::logs(group).await?;
        // A log that holds nothing proves nothing.
        if !log.contains("\"level\"") && !log.contains("\\\"level\\\"") {
            return Err(format!("{group} has logged nothing: {log}").into());
        }
        if let Some(line) = log.lines().find(|line| secrets.iter().any(|secret| line.contains(secret.as_str()))) {
            let shown: String =
                secrets.iter().fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), "SECRET"));
            return Err(format!("{group} has logged a secret: {shown}").into());
        }
    }
    Ok(())
}

/// Writes every function's log into the folder, for whoever looks for the cause of a failure.
pub(crate) async fn keep_logs(folder: &std::path::Path) {
    for group in GROUPS {
        let log = sam::logs(group).await.unwrap_or_else(|error| error.to_string());
        let _ = std::fs::write(folder.join(format!("deployed-{group}.log")), log);
    }
    println!("The functions' logs are in {}/deployed-*.log.", folder.display());
}
