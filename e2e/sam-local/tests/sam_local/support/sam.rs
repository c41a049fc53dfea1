//! The real `sam`, called as a person calls it. The rest of the settings is in `samconfig.toml`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/")).to_owned()
}

/// Where what SAM tells people is written to.
pub(crate) fn log(name: &str) -> PathBuf {
    root().join("target/sam-local").join(format!("{name}.log"))
}

/// `sam local …`, for the processor of this machine.
pub(crate) fn local(arguments: &[&str]) -> Command {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let mut command = Command::new("sam");
    command
        .current_dir(root())
        .arg("local")
        .args(arguments)
        .args(["--skip-pull-image", "--parameter-overrides", &format!("Architecture={architecture}")])
        .env("HUB_CALL_LIMIT", "1000/1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
