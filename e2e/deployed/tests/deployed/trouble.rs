//! What goes wrong outside is made good.

use deployed::{Error, eventually, sam};
use serde_json::json;

use crate::journey::{PATIENCE, ready};
use crate::setting_up::World;

/// The Hub drops every connection, then answers 503, then is back.
pub(crate) async fn dead_hub(world: &mut World) -> Result<(), Error> {
    let dead = json!([
        { "route": "list_clients", "drop": true },
        { "route": "create_client", "status": 503, "body": "Service Unavailable" },
        { "route": "numbers", "drop": true, "after_effect": true },
        { "route": "api_keys", "status": 500 },
    ]);
    world.api.order("faults", &dead).await?;
    // The customer does not notice: the callback is answered while the Hub is dead.
    let started = world.api.sign_up("tenant-3", "one_number:3").await?;
    world.secrets.push(started.token().to_owned());
    ready(world, &started).await?;
    let ledger = world.api.ledger().await?;
    let clients = ledger["clients"].as_array().into_iter().flatten();
    match clients.filter(|client| client["contact_info"]["email"] == "tenant-3@nordlicht.example").count() {
        1 => Ok(()),
        count => Err(format!("{count} client accounts were made").into()),
    }
}

/// A kept webhook that this release cannot read fails until an operator has mended it and sends it again.
pub(crate) async fn dead_letter(world: &mut World) -> Result<(), Error> {
    const ENTRY: &str = "INBOX#partner_hub#evt_before_update";

    let queue = world.resources.queue("KeyCreationQueue").await?;
    let dead_letters = world.output("KeyCreationDeadLettersUrl")?.to_owned();
    world.resources.hide_for(&queue, 1).await?;
    world.resources.set(ENTRY, "INBOX", "v", 99).await?;
    let message = json!({ "v": 1, "kind": "inbox", "inbox_key": "partner_hub#evt_before_update" });
    world.resources.send(&queue, &message.to_string()).await?;
    eventually("a dead letter", PATIENCE, async || {
        Ok((world.resources.messages(&dead_letters).await? == 1).then_some(()))
    })
    .await?;

    world.resources.set(ENTRY, "INBOX", "v", 1).await?;
    world.resources.redrive(&dead_letters, &queue).await?;
    eventually("the redriven message is worked off", PATIENCE, async || {
        let left = world.resources.messages(&dead_letters).await? + world.resources.messages(&queue).await?;
        let entry = world.resources.item(ENTRY, "INBOX").await?.unwrap_or_default();
        Ok((left == 0 && entry.contains_key("processed_at")).then_some(()))
    })
    .await?;
    world.resources.hide_for(&queue, 360).await
}

/// The webhooks that say it never come. When the record is due, the schedule has the Hub asked.
pub(crate) async fn lost_webhook(world: &mut World) -> Result<(), Error> {
    let lost = |event: &str| json!({ "route": format!("webhook.{event}"), "lose": true });
    world.api.order("faults", &json!([lost("channel_running"), lost("channel_live")])).await?;
    let started = world.api.sign_up("tenant-4", "one_number:4").await?;
    world.secrets.push(started.token().to_owned());
    eventually("the schedule moves it", PATIENCE, async || {
        let status = world.api.record(&started.id).await?["status"].clone();
        if status == "submitted" {
            // Now, and not in a quarter of an hour. The webhooks that do come put it off again.
            world.resources.set(&format!("ONB#{}", started.id), "ONB", "due_at", 1).await?;
        }
        Ok((status == "ready").then_some(()))
    })
    .await?;
    ready(world, &started).await?;
    let log = sam::logs("reconciliation").await?;
    if log.contains("found_live") { Ok(()) } else { Err("somebody else found it".into()) }
}
