//! Least privilege, by what was seen.

use deployed::Error;
use tokio::process::Command;

/// Compares every role with the calls that its function made in all the steps before. Prints who may what.
pub(crate) async fn are_least() -> Result<(), Error> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/check_permissions.py");
    // SAM's, which has boto3.
    let python = crate::support::stack::folder().join("tools/sam/bin/python");
    let output = Command::new(python).args([script, deployed::sam::STACK]).kill_on_drop(true).output().await?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}
