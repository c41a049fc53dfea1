//! Starts and stops MiniStack.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use url::Url;

use crate::{Error, eventually};

/// A running MiniStack. It enforces IAM: a function may do what its role allows, and no more.
pub struct MiniStack {
    process: Child,
    /// Its process group, until it is stopped.
    group: Option<u32>,
    port: u16,
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
            // What every function really calls, for `e2e/deployed/check_permissions.py`.
            .env("CLOUDTRAIL_RECORDING", "1")
            .env("CLOUDTRAIL_MAX_EVENTS", "100000")
            // A group of its own: its functions are processes too, and end with it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let started = Self { group: process.id(), process, port };
        let http = exchange::client()?;
        let health = format!("{}_ministack/health", endpoint.as_str());
        eventually("MiniStack answers", Duration::from_mins(1), async || {
            Ok(http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await?;
        Ok(started)
    }

    /// Ends it and its functions, and makes sure that nobody is left.
    ///
    /// # Errors
    /// If something is left.
    pub async fn stop(mut self) -> Result<(), Error> {
        let group = self.group.take().ok_or("it was not started")?;
        signal(group, "TERM");
        if tokio::time::timeout(Duration::from_secs(20), self.process.wait()).await.is_err() {
            signal(group, "KILL");
            self.process.wait().await?;
        }
        // Functions that were busy may have outlived it.
        signal(group, "KILL");
        let ends = async || Ok(tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err().then_some(()));
        eventually("nobody listens", Duration::from_secs(5), ends).await
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            signal(group, "KILL");
        }
    }
}

/// Sends a signal to every process of a group that is left. By the shell's own `kill`: there may be no other.
fn signal(group: u32, name: &str) {
    let mut kill = std::process::Command::new("sh");
    let _ = kill.arg("-c").arg(format!("kill -s {name} -- -{group}")).stderr(Stdio::null()).status();
}
