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
    if by["token"] == "back_end" && by["request_id"].is_string() && by["source_ip"].is_string() {
        Ok(())
    } else {
        Err(format!("asked by {by}, of {}", Value::from(started.id.as_str())).into())
    }
}
