//! Webhooks that are authentic, and those that are not.

use deployed::{Error, eventually};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::journey::PATIENCE;
use crate::support::stack::DeployedStack;

/// The Hub's: what is authentic is kept once, whatever it says; the rest is turned away.
pub(crate) async fn of_the_hub(stack: &DeployedStack) -> Result<(), Error> {
    let event = json!({ "id": "evt_deployed_1", "event": "channel_live", "data": { "id": "Qq11wwCH" } });
    for (signature, status) in [("good", 200), ("prefixed", 200), ("wrong", 401), ("none", 401)] {
        let mut event = event.clone();
        event["id"] = format!("evt_deployed_{signature}").into();
        let answer = stack.api.order("webhook", &json!({ "event": event, "signature": signature })).await?;
        if answer["status"] != status {
            return Err(format!("{signature}: {answer}").into());
        }
        let kept = stack.resources.item(&format!("INBOX#partner_hub#evt_deployed_{signature}"), "INBOX").await?;
        if kept.is_some() != (status == 200) {
            return Err(format!("{signature}: kept is {}", kept.is_some()).into());
        }
    }
    let ledger = stack.api.ledger().await?;
    let channel = json!({ "id": "Zz11yyCH", "client_id": ledger["clients"][0]["id"] });
    let elsewhere = json!({ "id": "evt_deployed_elsewhere", "event": "channel_created", "data": channel });
    for (what, order) in [
        (
            "repeated",
            json!({ "event": { "id": "evt_deployed_good", "event": "channel_live", "data": { "id": "Qq11wwCH" } } }),
        ),
        ("unknown", json!({ "event": { "id": "evt_deployed_odd", "event": "of_tomorrow", "data": [1, 2] } })),
        ("of another channel of a client", json!({ "event": elsewhere })),
        ("not JSON", json!({ "body": "channel live" })),
    ] {
        let answer = stack.api.order("webhook", &order).await?;
        if answer["status"] != 200 {
            return Err(format!("{what}: {answer}").into());
        }
    }
    Ok(())
}

/// Meta's: the handshake answers to the verify token only, and only what Meta signed is kept.
pub(crate) async fn of_meta(stack: &mut DeployedStack) -> Result<(), Error> {
    let handshake =
        |token: &str| format!("/webhooks/meta?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444");
    let answer = stack.api.get(&handshake(DeployedStack::verify_token()), "").await?.with(200)?;
    if answer != 1_158_201_444 {
        return Err(format!("challenge: {answer}").into());
    }
    stack.api.get(&handshake("another-token"), "").await?.with(401)?;

    let body = sample();
    let forged = signed("made-up-other-app-secret", &body);
    for (what, signature) in [("unsigned", ""), ("forged", forged.as_str())] {
        let answer = stack.api.post_as_it_is("/webhooks/meta", "x-hub-signature-256", signature, &body).await?;
        answer.with(401).map_err(|error| format!("{what}: {error}"))?;
    }
    let entry = format!("INBOX#meta#{}", hex::encode(Sha256::digest(&body)));
    if stack.resources.item(&entry, "INBOX").await?.is_some() {
        return Err("a forged webhook was kept".into());
    }
    let signature = signed(&stack.fake.app_secret, &body);
    stack.api.post_as_it_is("/webhooks/meta", "x-hub-signature-256", &signature, &body).await?.with(200)?;
    stack.resources.item(&entry, "INBOX").await?.ok_or("an authentic webhook was not kept")?;
    // Now, and not in minutes.
    stack.resources.make_due(&entry, "WORK").await?;
    // The simulator asks for the handshake itself, then signs.
    let update = json!({ "account": "one_number:6", "event": "PARTNER_ADDED" });
    let answer = stack.api.order("account_update", &update).await?;
    if answer["status"] != 200 {
        return Err(format!("account_update: {answer}").into());
    }
    eventually("the schedule looks at it", PATIENCE, async || {
        let work = stack.resources.item(&entry, "WORK").await?.unwrap_or_default();
        Ok(work.contains_key("processed_at").then_some(()))
    })
    .await
}

fn sample() -> String {
    let account = json!({ "waba_id": "40123456789", "owner_business_id": "733100000000021" });
    let value = json!({ "event": "PARTNER_ADDED", "waba_info": account });
    let entry = json!([{ "id": "733100000000021", "changes": [{ "field": "account_update", "value": value }] }]);
    json!({ "object": "whatsapp_business_account", "entry": entry }).to_string()
}

pub(crate) fn signed(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mac| mac.chain_update(body).finalize());
    mac.map(|mac| format!("sha256={}", hex::encode(mac.into_bytes()))).unwrap_or_default()
}
