//! What goes wrong outside is made good.

use deployed::api::Started;
use deployed::{Error, eventually, sam};
use serde_json::json;

use crate::journey::{PATIENCE, ready};
use crate::support::stack::DeployedStack;

/// The Hub drops every connection or answers 503, whatever it is asked, until it is back.
pub(crate) async fn dead_hub(stack: &mut DeployedStack) -> Result<(), Error> {
    let dead = |route: &str, how: &str| match how {
        "drops" => json!({ "route": route, "drop": true, "times": 1000 }),
        _ => json!({ "route": route, "status": 503, "body": "Service Unavailable", "times": 1000 }),
    };
    let routes = [("list_clients", "drops"), ("create_client", "503"), ("numbers", "drops"), ("api_keys", "503")];
    stack.api.order("faults", &json!(routes.map(|(route, how)| dead(route, how)))).await?;
    // The customer does not notice: the callback is answered while the Hub is dead.
    let started = stack.api.sign_up("tenant-3", "one_number:3").await?;
    stack.secrets.push(started.token().to_owned());
    eventually("it was tried twice, and waits", PATIENCE, async || {
        let record = stack.api.record(&started.id).await?;
        let tries = record["retry"]["tries"].as_u64().unwrap_or_default();
        Ok((record["status"] == "signed_up" && tries >= 2).then_some(()))
    })
    .await?;
    stack.api.mend().await?;
    // One more answer is lost after it was given.
    stack.api.order("faults", &json!({ "route": "numbers", "drop": true, "after_effect": true })).await?;
    ready(stack, &started).await?;
    if stack.api.pending_faults().await? != json!([]) {
        return Err("not every fault was met".into());
    }
    let ledger = stack.api.ledger().await?;
    let clients = ledger["clients"].as_array().into_iter().flatten();
    match clients.filter(|client| client["contact_info"]["email"] == "tenant-3@nordlicht.example").count() {
        1 => Ok(()),
        count => Err(format!("{count} client accounts were made").into()),
    }
}

/// A kept webhook that this release cannot read fails until an operator has mended it and sends it again.
pub(crate) async fn dead_letter(stack: &mut DeployedStack) -> Result<(), Error> {
    const ENTRY: &str = "INBOX#partner_hub#evt_before_update";

    let queue = stack.resources.queue("KeyCreationQueue").await?;
    let dead_letters = stack.output("KeyCreationDeadLettersUrl")?.to_owned();
    stack.resources.hide_for(&queue, 1).await?;
    stack.resources.set(ENTRY, "INBOX", "v", 99).await?;
    let message = json!({ "v": 1, "kind": "inbox", "inbox_key": "partner_hub#evt_before_update" });
    stack.resources.send(&queue, &message.to_string()).await?;
    eventually("a dead letter", PATIENCE, async || {
        Ok((stack.resources.messages(&dead_letters).await? == 1).then_some(()))
    })
    .await?;

    stack.resources.set(ENTRY, "INBOX", "v", 1).await?;
    stack.resources.redrive(&dead_letters, &queue).await?;
    eventually("the redriven message is worked off", PATIENCE, async || {
        let left = stack.resources.messages(&dead_letters).await? + stack.resources.messages(&queue).await?;
        let entry = stack.resources.item(ENTRY, "INBOX").await?.unwrap_or_default();
        Ok((left == 0 && entry.contains_key("processed_at")).then_some(()))
    })
    .await?;
    stack.resources.hide_for(&queue, 360).await
}

/// Messages to two workers are lost, and the webhooks that say that a channel is live never come. When the records are due, the
/// schedule moves each on.
pub(crate) async fn lost_messages(stack: &mut DeployedStack) -> Result<(), Error> {
    // A first try that fails leaves a message in the queue, which waits for the next: that is the one to lose.
    let fails = |route: &str| json!({ "route": route, "status": 503 });
    stack.api.order("faults", &fails("list_clients")).await?;
    let unknown = stack.api.start("tenant-8").await?;
    loses(stack, &unknown, "ClientAccountQueue").await?;
    stack.api.order("faults", &fails("numbers")).await?;
    let unsubmitted = stack.api.sign_up("tenant-9", "one_number:9").await?;
    loses(stack, &unsubmitted, "NumberSubmissionQueue").await?;

    let lost = |event: &str| json!({ "route": format!("webhook.{event}"), "lose": true });
    stack.api.order("faults", &json!([lost("channel_running"), lost("channel_live")])).await?;
    let unheard = stack.api.sign_up("tenant-4", "one_number:4").await?;
    eventually("the webhooks are lost", PATIENCE, async || {
        let record = stack.api.record(&unheard.id).await?;
        let pending = stack.api.pending_faults().await?;
        Ok((record["status"] == "submitted" && pending == json!([])).then_some(()))
    })
    .await?;

    stack.secrets.extend([&unknown, &unsubmitted, &unheard].map(|started| started.token().to_owned()));
    eventually("the schedule moves them", PATIENCE, async || {
        let mut moved = 0;
        for (started, stands) in [(&unknown, "started"), (&unsubmitted, "signed_up"), (&unheard, "submitted")] {
            let record = stack.api.record(&started.id).await?;
            if record["status"] == stands && record["client"]["id"].is_null() == (stands == "started") {
                // Now, and not in minutes. Webhooks that do come put it off again.
                stack.resources.set(&format!("ONB#{}", started.id), "ONB", "due_at", 1).await?;
            } else {
                moved += 1;
            }
        }
        Ok((moved == 3).then_some(()))
    })
    .await?;
    ready(stack, &unsubmitted).await?;
    ready(stack, &unheard).await?;
    let log = sam::logs("reconciliation").await?;
    if log.contains("found_live") { Ok(()) } else { Err("somebody else found the channel live".into()) }
}

/// Waits until the worker of this queue has failed once, and loses its message.
async fn loses(stack: &DeployedStack, started: &Started, queue: &str) -> Result<(), Error> {
    let queue = stack.resources.queue(queue).await?;
    eventually("a first try fails, and the next one waits", PATIENCE, async || {
        let failed = !stack.api.record(&started.id).await?["retry"].is_null();
        Ok((failed && stack.resources.delayed_messages(&queue).await? > 0).then_some(()))
    })
    .await?;
    stack.resources.lose_messages(&queue).await
}
