//! The bundle as SAM deploys it, on MiniStack (an emulator of AWS on this machine), with the simulator on the other side.

pub mod api;
pub mod aws;
pub mod ministack;
pub mod sam;

/// Why something did not work.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Looks every now and then until `look` finds something, at most for `patience`.
///
/// # Errors
/// If it does not find it in time, or looking fails.
pub async fn eventually<T, F, Fut>(what: &str, patience: std::time::Duration, look: F) -> Result<T, Error>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Option<T>, Error>>,
{
    let looked = tokio::time::timeout(patience, async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    });
    looked.await.unwrap_or_else(|_| Err(format!("not within {} seconds: {what}", patience.as_secs()).into()))
}
