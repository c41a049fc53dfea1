//! What the partner wants of a link, of a number that is ready, and of one that is not.

use deployed::api::Started;
use deployed::{Error, eventually};
use serde_json::{Value, json};

use crate::journey::{PATIENCE, reaches, ready, ready_after};
use crate::support::stack::DeployedStack;

/// The value of a header, of which only its name may be seen.
const HEADER: &str = "made-up-deployed-header";

/// A link is renewed, and taken back; the onboarding is called off.
pub(crate) async fn of_a_link(stack: &mut DeployedStack) -> Result<(), Error> {
    let first = stack.api.start("tenant-11").await?;
    let second: Started = serde_json::from_value(stack.api.want(&first, "link").await?.with(201)?)?;
    stack.secrets.extend([&first, &second].map(|link| link.token().to_owned()));
    let path = format!("/onboardings/{}", first.id);
    stack.api.get(&path, first.token()).await?.with(410)?;
    stack.api.get(&path, second.token()).await?.with(200)?;
    stack.api.revoke_link(&first).await?.with(204)?;
    stack.api.get(&path, second.token()).await?.with(410)?;
    stack.api.want(&first, "cancel").await?.with(202)?;
    reaches(stack, &first, "cancelled").await.map(drop)
}

/// The key of a number is replaced; then it leaves, and its key is deleted. Its messages go to where its onboarding says.
pub(crate) async fn of_a_number(stack: &mut DeployedStack) -> Result<(), Error> {
    stack.secrets.push(HEADER.to_owned());
    let webhook = json!({ "url": "https://crm.example/in", "headers": { "x-crm": HEADER } });
    let started = stack.api.start_with("tenant-12", &json!({ "message_webhook": webhook })).await?;
    stack.secrets.push(started.token().to_owned());
    stack.api.return_from_popup(&started, "one_number:12").await?.with(200)?;
    ready(stack, &started).await?;
    let channel = stack.api.record(&started.id).await?["channel_id"].as_str().unwrap_or_default().to_owned();

    stack.api.want(&started, "rotate-key").await?.with(202)?;
    eventually("the new key has been used", PATIENCE, async || {
        let record = stack.api.record(&started.id).await?;
        Ok(record.get("key_rotation").is_none().then_some(()))
    })
    .await?;
    ready_after(stack, &started, 2).await?;
    let set = stack.api.ledger().await?["message_webhooks"][&channel].clone();
    if set != webhook {
        return Err(format!("the message webhook is {set}").into());
    }

    stack.api.order("settings", &json!({ "cancelled_after_ms": 1000 })).await?;
    stack.api.want(&started, "disconnect").await?.with(202)?;
    reaches(stack, &started, "disconnected").await?;
    eventually("its key is deleted", PATIENCE, async || {
        let record = stack.api.record(&started.id).await?;
        Ok(record["key_deleted_at"].is_string().then_some(()))
    })
    .await?;
    if stack.resources.api_key(&channel).await?.is_some() {
        return Err("the vault has the key still".into());
    }
    stack.api.want(&started, "reconnect").await?.with(409)?;
    let history = stack.api.record(&started.id).await?["history"].clone();
    let asked = history.as_array().into_iter().flatten().find(|entry| entry["event"]["event"] == "disconnect_asked");
    let by = asked.map(|entry| entry["event"]["by"].clone()).unwrap_or_default();
    if by["token"] != "back_end" || !by["request_id"].is_string() || !by["source_ip"].is_string() {
        return Err(format!("asked by {by}, of {}", Value::from(started.id.as_str())).into());
    }
    erased(stack, &started, &channel).await
}

/// What is kept about a customer whose number has left is shown, and erased.
async fn erased(stack: &DeployedStack, started: &Started, channel: &str) -> Result<(), Error> {
    let export = stack.api.export(started).await?.with(200)?;
    let details = &export["onboarding"]["client"]["details"];
    if !details["email"].is_string() || export["events"].as_array().is_none_or(Vec::is_empty) {
        return Err(format!("exported: {export}").into());
    }
    stack.api.erase(started).await?.with(200)?;
    let erased = stack.api.export(started).await?.with(200)?;
    let email = details["email"].as_str().unwrap_or_default();
    if erased.to_string().contains(email) || erased["onboarding"]["channel_id"] != channel {
        return Err(format!("left: {erased}").into());
    }
    let again = stack.api.want(started, "link").await?.with(409)?;
    if again["code"] == "erased" { Ok(()) } else { Err(format!("a new link: {again}").into()) }
}

/// Channels that were there before are imported: one alone, and more than are asked for one by one.
pub(crate) async fn imports(stack: &mut DeployedStack) -> Result<(), Error> {
    let mut channels = Vec::new();
    for number in 30..42 {
        let made = stack.api.order("channels", &json!({ "account": format!("one_number:{number}") })).await?;
        channels.push(json!({ "channel_id": made["channel"]["id"], "reference": format!("tenant-{number}") }));
    }
    let alone = stack.api.import(&json!({ "channels": [channels[0]] })).await?;
    let all = stack.api.import(&json!({ "dry_run": true, "channels": channels })).await?;
    let first = imported(stack, &alone).await?["channels"][0].clone();
    let all = imported(stack, &all).await?;
    let words: Vec<_> = all["channels"].as_array().into_iter().flatten().map(|channel| &channel["would"]).collect();
    if first["would"] != "import" || words.iter().any(|word| **word != "import" && **word != "owned") {
        return Err(format!("imported: {first}, and would be: {all}").into());
    }
    // It has no link.
    let (id, setup_url, expires_at) = (&first["onboarding_id"], "", "1970-01-01T00:00:00Z");
    let started: Started =
        serde_json::from_value(json!({ "id": id, "setup_url": setup_url, "expires_at": expires_at }))?;
    ready(stack, &started).await?;
    // A system that mirrors the onboardings sees it among those that were changed.
    let changed = stack.api.list("?updated_after=2026-01-01T00:00:00Z&limit=100").await?;
    let is_listed = |shown: &Value| shown["id"] == started.id.as_str();
    if changed["onboardings"].as_array().is_some_and(|shown| shown.iter().any(is_listed)) {
        Ok(())
    } else {
        Err(format!("not among what was changed: {changed}").into())
    }
}

async fn imported(stack: &DeployedStack, id: &str) -> Result<Value, Error> {
    eventually("an import is done", PATIENCE, async || {
        let import = stack.api.imported(id).await?;
        Ok((import["state"] == "done").then_some(import))
    })
    .await
}
