//! What goes wrong outside is made good.

use deployed::{Error, eventually, sam};
use serde_json::json;

use crate::journey::{PATIENCE, ready};
use crate::support::stack::DeployedStack;

/// In milliseconds since 1970.
const LONG_AGO: i64 = 1;

/// The Hub drops every connection or answers 503, whatever it is asked, until it is back. While it is away, nobody asks but
/// the stack itself, and nobody's tries are counted.
pub(crate) async fn dead_hub(stack: &mut DeployedStack) -> Result<(), Error> {
    let dead = |route: &str, how: &str| match how {
        "drops" => json!({ "route": route, "drop": true, "times": 1000 }),
        _ => json!({ "route": route, "status": 503, "body": "Service Unavailable", "times": 1000 }),
    };
    let routes = [
        ("list_clients", "drops"),
        ("create_client", "503"),
        ("numbers", "drops"),
        ("api_keys", "503"),
        ("list_channels", "503"),
        ("channel", "drops"),
    ];
    stack.api.order("faults", &json!(routes.map(|(route, how)| dead(route, how)))).await?;
    // The customer does not notice: the callback is answered while the Hub is dead.
    let started = stack.api.sign_up("tenant-3", "one_number:3").await?;
    stack.secrets.push(started.token().to_owned());
    let probed = eventually("nobody asks the Hub but the stack itself", PATIENCE, async || {
        let limiter = stack.resources.item("LIMIT#hub", "LIMIT").await?.unwrap_or_default();
        Ok(limiter.get("probed_at").filter(|_| limiter.contains_key("open_since")).cloned())
    })
    .await?;
    let long_ago = LONG_AGO.to_string();
    let waits = stack.api.record(&started.id).await?;
    let tries = waits["retry"]["tries"].as_u64().unwrap_or_default();
    if waits["status"] != "signed_up" || tries < 2 {
        return Err(format!("it does not wait: {waits:#}").into());
    }
    longer_ago(stack).await?;
    eventually("the stack asks again, a minute after it asked", PATIENCE, async || {
        let limiter = stack.resources.item("LIMIT#hub", "LIMIT").await?.unwrap_or_default();
        Ok(limiter.get("probed_at").is_some_and(|now| *now != probed && now.as_n() != Ok(&long_ago)).then_some(()))
    })
    .await?;
    let still = stack.api.record(&started.id).await?;
    if still["retry"] != waits["retry"] {
        return Err(format!("it was tried while the Hub was dead: {still:#}").into());
    }
    stack.api.mend().await?;
    longer_ago(stack).await?;
    ready(stack, &started).await?;
    if stack.api.pending_faults().await? != json!([]) {
        return Err("not every fault was met".into());
    }
    // What a run logs is there when it ends, and the run of the minute may go on.
    eventually("somebody is told that the Hub was dead", PATIENCE, async || {
        Ok(sam::logs("dispatcher").await?.contains("hub_unavailable").then_some(()))
    })
    .await?;
    let ledger = stack.api.ledger().await?;
    let clients = ledger["clients"].as_array().into_iter().flatten();
    match clients.filter(|client| client["contact_info"]["email"] == "tenant-3@nordlicht.example").count() {
        1 => Ok(()),
        count => Err(format!("{count} client accounts were made").into()),
    }
}

/// The stack last asked the Hub more than a minute ago: the minute is not waited for.
async fn longer_ago(stack: &DeployedStack) -> Result<(), Error> {
    stack.resources.set("LIMIT#hub", "LIMIT", "probed_at", LONG_AGO).await
}

/// A message about a record that this release cannot read fails until an operator has mended the record and sends the message
/// again. Its permit is void by then, and the onboarding goes on without it.
pub(crate) async fn dead_letter(stack: &mut DeployedStack) -> Result<(), Error> {
    let queue = stack.resources.queue("KeyCreationQueue").await?;
    let dead_letters = stack.output("DeadLettersUrl")?.to_owned();
    let started = stack.api.start("tenant-6").await?;
    stack.secrets.push(started.token().to_owned());
    eventually("its client account is known", PATIENCE, async || {
        Ok((!stack.api.record(&started.id).await?["client"]["id"].is_null()).then_some(()))
    })
    .await?;
    let record = format!("ONB#{}", started.id);
    stack.resources.hide_for(&queue, 1).await?;
    stack.resources.set(&record, "ONB", "v", 99).await?;
    let message = json!({
        "v": 2,
        "kind": "onboarding",
        "onboarding_id": started.id,
        "permit": "made-up",
        "class": "key",
    });
    stack.resources.send(&queue, &message.to_string()).await?;
    eventually("a dead letter", PATIENCE, async || {
        Ok((stack.resources.messages(&dead_letters).await? == 1).then_some(()))
    })
    .await?;

    stack.resources.set(&record, "ONB", "v", 2).await?;
    stack.resources.redrive(&dead_letters, &queue).await?;
    eventually("the redriven message is worked off", PATIENCE, async || {
        let left = stack.resources.messages(&dead_letters).await? + stack.resources.messages(&queue).await?;
        Ok((left == 0).then_some(()))
    })
    .await?;
    stack.resources.hide_for(&queue, 360).await?;
    stack.api.return_from_popup(&started, "one_number:10").await?.with(200)?;
    ready(stack, &started).await
}

/// Messages to two workers are lost, and the webhooks that say that a channel is live never come. The dispatcher sends again
/// what nobody answered, and the Hub is asked for the channel.
pub(crate) async fn lost_messages(stack: &mut DeployedStack) -> Result<(), Error> {
    hold_back(stack, "ClientAccountQueue").await?;
    let unknown = stack.api.start("tenant-8").await?;
    lose(stack, "ClientAccountQueue").await?;
    hold_back(stack, "NumberSubmissionQueue").await?;
    let unsubmitted = stack.api.sign_up("tenant-9", "one_number:9").await?;
    lose(stack, "NumberSubmissionQueue").await?;
    stack.secrets.extend([&unknown, &unsubmitted].map(|started| started.token().to_owned()));
    eventually("the client account is found all the same", PATIENCE, async || {
        Ok((!stack.api.record(&unknown.id).await?["client"]["id"].is_null()).then_some(()))
    })
    .await?;
    ready(stack, &unsubmitted).await?;

    let lost = |event: &str| json!({ "route": format!("webhook.{event}"), "lose": true });
    stack.api.order("faults", &json!([lost("channel_running"), lost("channel_live")])).await?;
    let unheard = stack.api.sign_up("tenant-4", "one_number:4").await?;
    stack.secrets.push(unheard.token().to_owned());
    eventually("the webhooks are lost", PATIENCE, async || {
        let record = stack.api.record(&unheard.id).await?;
        let pending = stack.api.pending_faults().await?;
        Ok((record["status"] == "submitted" && pending == json!([])).then_some(()))
    })
    .await?;
    eventually("the Hub is asked for the channel", PATIENCE, async || {
        if stack.api.record(&unheard.id).await?["status"] != "submitted" {
            return Ok(Some(()));
        }
        // Now, and not in minutes. Webhooks that do come put it off again.
        stack.resources.make_due(&format!("ONB#{}", unheard.id), "ONB").await?;
        Ok(None)
    })
    .await?;
    ready(stack, &unheard).await
}

/// Holds messages of this queue back, so that the next one can be lost.
async fn hold_back(stack: &DeployedStack, queue: &str) -> Result<(), Error> {
    let queue = stack.resources.queue(queue).await?;
    stack.resources.hold_back_for(&queue, 900).await
}

/// Waits until this queue holds a message back, and loses it.
async fn lose(stack: &DeployedStack, queue: &str) -> Result<(), Error> {
    let queue = stack.resources.queue(queue).await?;
    eventually("a message is on its way", PATIENCE, async || {
        Ok((stack.resources.delayed_messages(&queue).await? > 0).then_some(()))
    })
    .await?;
    stack.resources.lose_messages(&queue).await?;
    stack.resources.hold_back_for(&queue, 0).await
}
