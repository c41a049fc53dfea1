//! AWS SAM, as its users call it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::Error;

/// The stack's name.
pub const STACK: &str = "onboarding";

/// The API's id, and so its address: `/_aws/execute-api/{id}/v1` of MiniStack.
pub const API_ID: &str = "onboarding1";
const API_TAG: &str = "ms-custom-id=onboarding1";

/// Deploys a template that is built. Returns the stack's outputs.
///
/// # Errors
/// What SAM printed.
pub async fn deploy(template: &Path, parameters: &BTreeMap<&str, String>) -> Result<BTreeMap<String, String>, Error> {
    let template = template.to_string_lossy().into_owned();
    let mut arguments = vec![
        "deploy",
        "--template-file",
        &template,
        "--stack-name",
        STACK,
        "--resolve-s3",
        "--capabilities",
        "CAPABILITY_IAM",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--tags",
        // The API's id at MiniStack, which else makes one up.
        API_TAG,
        "--parameter-overrides",
    ];
    let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    arguments.extend(parameters.iter().map(String::as_str));
    sam(&arguments).await?;
    outputs().await
}

/// The stack's outputs.
///
/// # Errors
/// What SAM printed.
pub async fn outputs() -> Result<BTreeMap<String, String>, Error> {
    let text = sam(&["list", "stack-outputs", "--stack-name", STACK, "--output", "json"]).await?;
    let outputs: Vec<Value> = serde_json::from_str(&text)?;
    let text = |output: &Value, name: &str| output[name].as_str().unwrap_or_default().to_owned();
    Ok(outputs.iter().map(|output| (text(output, "OutputKey"), text(output, "OutputValue"))).collect())
}

/// Everything that a function, or the API, has logged.
///
/// # Errors
/// What SAM printed.
pub async fn logs(group: &str) -> Result<String, Error> {
    sam(&["logs", "--cw-log-group", &format!("/{STACK}/{group}"), "--start-time", "2 hours ago", "--output", "json"])
        .await
}

async fn sam(arguments: &[&str]) -> Result<String, Error> {
    let output = Command::new("sam").args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let lines: Vec<&str> = printed.lines().filter(|line| !line.contains("Uploading")).collect();
    Err(format!("sam {}:\n{}", arguments.join(" "), lines.join("\n")).into())
}
