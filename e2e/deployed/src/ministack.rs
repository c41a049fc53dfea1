//! Starts and stops MiniStack.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use url::Url;

use crate::{Error, eventually};

/// A running MiniStack. It enforces IAM: a function may do what its role allows, and no more.
pub struct MiniStack {
    process: Child,
}

impl MiniStack {
    /// Starts it where `endpoint` leads to, on 127.0.0.1. Its log goes to `log`.
    ///
    /// # Errors
    /// If it does not answer within a minute.
    pub async fn start(endpoint: &Url, log: std::fs::File) -> Result<Self, Error> {
        let port = endpoint.port().ok_or("the endpoint has no port")?;
        let process = Command::new("ministack")
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("AUTH", "true")
            // A group of its own: its functions are processes too, and end with it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let started = Self { process };
        let http = shared::outbound::client()?;
        let health = format!("{}_ministack/health", endpoint.as_str());
        eventually("MiniStack answers", Duration::from_mins(1), async || {
            Ok(http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await?;
        Ok(started)
    }

    /// Ends it and its functions.
    ///
    /// # Errors
    /// If the group cannot be ended.
    pub async fn stop(mut self) -> Result<(), Error> {
        if let Some(id) = self.process.id() {
            Command::new("kill").arg("-TERM").arg("--").arg(format!("-{id}")).status().await?;
        }
        if tokio::time::timeout(Duration::from_secs(20), self.process.wait()).await.is_err() {
            self.process.kill().await?;
        }
        Ok(())
    }
}
