//! What should happen, happens.

use std::time::Duration;

use deployed::api::Started;
use deployed::{Error, eventually};
use serde_json::Value;
use url::Url;

use crate::setting_up::{FRAMING, PARTNER, World};

/// How long an onboarding may take to its key: every function may start anew.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// The page and what it loads, with every header that the function gave it.
pub(crate) async fn page(world: &World) -> Result<(), Error> {
    let sdk = Url::parse(&world.simulator.sdk_url())?.origin().ascii_serialization();
    for path in ["/signup", "/signup/return"] {
        let page = world.api.get(path, "").await?;
        let policy = page.header("content-security-policy").to_owned();
        for part in ["default-src 'none'", &format!("script-src 'self' {sdk};"), FRAMING] {
            expect(path, policy.contains(part), &policy)?;
        }
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin-allow-popups"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
        ] {
            expect(path, page.header(name) == value, &format!("{name}: {}", page.header(name)))?;
        }
        let html = page.with(200)?;
        let html = html.as_str().unwrap_or_default();
        expect(path, html.contains(PARTNER) && html.contains(&world.fake.app_id), html)?;
    }
    let asset = world.api.get("/signup/page.js", "").await?;
    let tag = asset.header("etag").to_owned();
    expect("page.js", asset.header("content-security-policy") == "default-src 'none'", &tag)?;
    let plain = asset.with(200)?;
    // Compressing is the API's work: what the function sends is the same for everybody.
    let zipped = world.api.get_with("/signup/page.js", "accept-encoding", "gzip").await?;
    expect(
        "page.js",
        zipped.header("content-encoding").is_empty() && zipped.body == plain,
        "compressed by the function",
    )?;
    world.api.get_with("/signup/page.js", "if-none-match", &tag).await?.with(304)?;
    world.api.get("/signup/secrets.js", "").await?.with(404)?;
    Ok(())
}

fn expect(what: &str, holds: bool, seen: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(format!("{what}: {seen}").into()) }
}

/// The promise, for one customer.
pub(crate) async fn to_the_key(world: &mut World) -> Result<(), Error> {
    let started = world.api.sign_up("tenant-1", "one_number").await?;
    world.secrets.push(started.token().to_owned());
    ready(world, &started).await?;
    // A second claim of the same number is refused, and says why.
    let other = world.api.start("tenant-2").await?;
    world.secrets.push(other.token().to_owned());
    let refused = world.api.return_from_popup(&other, "one_number").await?.with(409)?;
    expect("claimed a number twice", refused["code"] == "number_taken", &refused.to_string())?;
    // Both are found again by whoever started them.
    for query in ["?status=ready", "?reference=tenant-1"] {
        let found = world.api.list(query).await?;
        let ids: Vec<&Value> =
            found["onboardings"].as_array().into_iter().flatten().map(|found| &found["id"]).collect();
        expect(query, ids == [&Value::from(started.id.as_str())], &found.to_string())?;
    }
    Ok(())
}

/// Waits until an onboarding has its key, and checks that it is the one that works, and the only one.
pub(crate) async fn ready(world: &World, started: &Started) -> Result<(), Error> {
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
    if format!("{item:?}").contains(&key) { Err("the table holds the key".into()) } else { Ok(()) }
}
