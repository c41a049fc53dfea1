//! What should happen, happens.

use std::time::Duration;

use deployed::api::Started;
use deployed::{Error, eventually};
use serde_json::Value;

use crate::setting_up::World;

/// How long an onboarding may take to its key: every function may start anew.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// The page and what it loads.
pub(crate) async fn page(world: &World) -> Result<(), Error> {
    for path in ["/signup", "/signup/page.js", "/signup/return"] {
        world.api.get(path, "").await?.with(200)?;
    }
    world.api.get("/signup/secrets.js", "").await?.with(404)?;
    Ok(())
}

/// The promise, for one customer.
pub(crate) async fn to_the_key(world: &mut World) -> Result<(), Error> {
    let (started, code) = world.api.sign_up("tenant-1", "one_number").await?;
    world.secrets.extend([code, started.token.clone()]);
    let key = ready(world, &started).await?;
    world.secrets.push(key);
    // A second callback with the same number is refused, and says why.
    let other = world.api.start("tenant-2").await?;
    world.secrets.push(other.token.clone());
    let popup = world.api.order("popup", &serde_json::json!({ "account": "one_number" })).await?;
    world.secrets.push(popup["code"].as_str().unwrap_or_default().to_owned());
    let refused = world.api.post(&format!("/onboardings/{}/es-callback", other.id), &other.token, &popup).await?;
    if refused.with(409)?["code"] == "number_taken" { Ok(()) } else { Err("claimed a number twice".into()) }
}

/// Waits until an onboarding has its key, and checks that it is the one that works, and the only one. Returns the key.
pub(crate) async fn ready(world: &World, started: &Started) -> Result<String, Error> {
    let record = eventually("the onboarding is ready", PATIENCE, async || {
        let record = world.api.record(&started.id).await?;
        match record["status"].as_str() {
            Some("ready") => Ok(Some(record)),
            Some("failed" | "expired") => Err(format!("{record:#}").into()),
            _ => Ok(None),
        }
    })
    .await?;
    let channel = record["channel_id"].as_str().ok_or("no channel in the record")?;
    let key = world.resources.api_key(channel).await?.ok_or("no key in the vault")?;
    let ledger = world.api.ledger().await?;
    let of_channel = |key: &&Value| key["channel_id"] == channel;
    let keys: Vec<&Value> = ledger["keys"].as_array().into_iter().flatten().filter(of_channel).collect();
    match keys.as_slice() {
        [only] if only["valid"] == true && only["api_key"] == key.as_str() => {}
        _ => return Err(format!("{} keys were made, or another than the stored one is valid", keys.len()).into()),
    }
    let item = world.resources.item(&format!("ONB#{}", started.id), "ONB").await?.ok_or("no record in the table")?;
    if format!("{item:?}").contains(&key) { Err("the table holds the key".into()) } else { Ok(key) }
}
