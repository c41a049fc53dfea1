//! What should happen, happens.

use std::time::Duration;

use deployed::api::Started;
use deployed::{Error, eventually};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use crate::support::stack::{DeployedStack, FRAMING, PARTNER, ministack_log};

/// How long an onboarding may take to its key: every function may start anew.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// The page and what it loads, with every header that the function gave it.
pub(crate) async fn page(stack: &DeployedStack) -> Result<(), Error> {
    let sdk = Url::parse(&stack.simulator.sdk_url())?.origin().ascii_serialization();
    for path in ["/signup", "/signup/return"] {
        let page = stack.api.get(path, "").await?;
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
        expect(path, html.contains(PARTNER) && html.contains(&stack.fake.app_id), html)?;
    }
    let asset = stack.api.get("/signup/page.js", "").await?;
    let tag = asset.header("etag").to_owned();
    expect("page.js", asset.header("content-security-policy") == "default-src 'none'", &tag)?;
    let plain = asset.with(200)?;
    // Compressing is the API's work: what the function sends is the same for everybody.
    let zipped = stack.api.get_with("/signup/page.js", "accept-encoding", "gzip").await?;
    expect(
        "page.js",
        zipped.header("content-encoding").is_empty() && zipped.body == plain,
        "compressed by the function",
    )?;
    stack.api.get_with("/signup/page.js", "if-none-match", &tag).await?.with(304)?;
    stack.api.get("/signup/secrets.js", "").await?.with(404)?;
    Ok(())
}

/// What was written woke the dispatcher, which without it would find everything at its run of the minute; and it took it.
pub(crate) fn woken() -> Result<(), Error> {
    let log = std::fs::read_to_string(ministack_log())?;
    let mut lines = log.lines().filter(|line| line.contains("-Dispatcher-"));
    if let Some(line) = lines.clone().find(|line| line.contains("failed processing DynamoDB stream batch")) {
        return Err(format!("a run that the stream woke failed: {line}").into());
    }
    let read = |line: &str| line.contains("processed") && line.contains("DynamoDB stream records");
    expect("the stream", lines.any(read), "nothing has woken the dispatcher")
}

fn expect(what: &str, holds: bool, seen: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(format!("{what}: {seen}").into()) }
}

/// The promise, for one customer.
pub(crate) async fn to_the_key(stack: &mut DeployedStack) -> Result<(), Error> {
    let started = stack.api.sign_up("tenant-1", "one_number").await?;
    stack.secrets.push(started.token().to_owned());
    ready(stack, &started).await?;
    let record = stack.api.record(&started.id).await?;
    println!("       {} from live to ready", reached(&record, "ready")? - reached(&record, "live")?);
    // A second claim of the same number is refused, and says why.
    let other = stack.api.start("tenant-2").await?;
    stack.secrets.push(other.token().to_owned());
    let refused = stack.api.return_from_popup(&other, "one_number").await?.with(409)?;
    expect("claimed a number twice", refused["code"] == "number_taken", &refused.to_string())?;
    // Both are found again by whoever started them.
    for (query, id) in [("?status=ready", &started.id), ("?reference=tenant-1", &started.id), ("?limit=1", &other.id)] {
        let found = stack.api.list(query).await?;
        let ids: Vec<&Value> =
            found["onboardings"].as_array().into_iter().flatten().map(|found| &found["id"]).collect();
        expect(query, ids == [&Value::from(id.as_str())], &found.to_string())?;
    }
    Ok(())
}

/// When an onboarding reached a status.
fn reached(record: &Value, status: &str) -> Result<OffsetDateTime, Error> {
    let mut entries = record["history"].as_array().into_iter().flatten();
    let entry = entries.find(|entry| entry["to"] == status).ok_or_else(|| format!("never {status}: {record:#}"))?;
    Ok(OffsetDateTime::parse(entry["at"].as_str().unwrap_or_default(), &Rfc3339)?)
}

/// A customer chooses one of several numbers. Somebody at 360dialog has connected that number by hand, and uses its key: only
/// the partner's word replaces it. In the end 360dialog ends the channel.
pub(crate) async fn with_retries(stack: &mut DeployedStack) -> Result<(), Error> {
    stack.api.order("faults", &json!([{ "route": "list_clients", "status": 503 }])).await?;
    let started = stack.api.start("tenant-7").await?;
    stack.secrets.push(started.token().to_owned());
    let view = stack.api.return_from_popup(&started, "several_numbers:7").await?.with(200)?;
    expect("no choice", view["status"] == "number_choice", &view.to_string())?;
    let client = eventually("its client account is known", PATIENCE, async || {
        let client = stack.api.record(&started.id).await?["client"]["id"].clone();
        Ok(Some(client).filter(Value::is_string))
    })
    .await?;
    let number = view["numbers"][1]["id"].clone();
    let by_hand = json!({
        "account": "several_numbers:7",
        "client_id": client,
        "phone_number_id": number,
        "created_at": "2025-03-01T08:00:00Z",
        "key": true,
    });
    let made = stack.api.order("channels", &by_hand).await?;
    let choice = json!({ "phone_number_id": number });
    stack.api.post(&format!("/onboardings/{}/number", started.id), started.token(), &choice).await?.with(202)?;
    reaches(stack, &started, "submitted").await?;
    let live = json!({ "event": { "id": "evt_by_hand", "event": "channel_live", "data": made["channel"] } });
    stack.api.order("webhook", &live).await?;

    let record = reaches(stack, &started, "failed").await?;
    expect("the key in use", record["problem"]["code"] == "channel_has_key", &record.to_string())?;
    stack.api.retry(&started, &json!({})).await?.with(422)?;
    stack.api.retry(&started, &json!({ "replace_key": true })).await?.with(202)?;
    ready_after(stack, &started, 2).await?;
    let chosen = stack.api.record(&started.id).await?["signup"]["number"]["id"].clone();
    expect("the chosen number", chosen == choice["phone_number_id"], &chosen.to_string())?;

    let ended = json!({ "channel_id": made["channel"]["id"], "step": "processed" });
    stack.api.order("cancellation", &ended).await?;
    reaches(stack, &started, "disconnected").await.map(drop)
}

/// Waits until an onboarding has this status, and returns the record.
pub(crate) async fn reaches(stack: &DeployedStack, started: &Started, status: &str) -> Result<Value, Error> {
    eventually(&format!("the onboarding is {status}"), PATIENCE, async || {
        let record = stack.api.record(&started.id).await?;
        match record["status"].as_str() {
            Some(now) if now == status => Ok(Some(record)),
            Some("failed" | "expired") => Err(format!("{record:#}").into()),
            _ => Ok(None),
        }
    })
    .await
}

/// Waits until an onboarding has its key, and checks that it is the one that works, and the only one.
pub(crate) async fn ready(stack: &DeployedStack, started: &Started) -> Result<(), Error> {
    ready_after(stack, started, 1).await
}

/// The same where so many keys had to be made.
pub(crate) async fn ready_after(stack: &DeployedStack, started: &Started, made: usize) -> Result<(), Error> {
    let record = reaches(stack, started, "ready").await?;
    let channel = record["channel_id"].as_str().ok_or("no channel in the record")?;
    let key = stack.resources.api_key(channel).await?.ok_or("no key in the vault")?;
    let ledger = stack.api.ledger().await?;
    let of_channel = |key: &&Value| key["channel_id"] == channel;
    let keys: Vec<&Value> = ledger["keys"].as_array().into_iter().flatten().filter(of_channel).collect();
    let valid: Vec<&Value> = keys.iter().copied().filter(|key| key["valid"] == true).collect();
    let works = matches!(valid.as_slice(), [only] if only["api_key"] == key.as_str());
    if keys.len() != made || !works {
        return Err(format!("{} keys were made, or another than the stored one is valid", keys.len()).into());
    }
    let item = stack.resources.item(&format!("ONB#{}", started.id), "ONB").await?.ok_or("no record in the table")?;
    if format!("{item:?}").contains(&key) { Err("the table holds the key".into()) } else { Ok(()) }
}
