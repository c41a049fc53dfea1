//! Webhooks that are authentic, and those that are not.

use deployed::Error;
use serde_json::json;

use crate::setting_up::World;

/// The Hub's: what is authentic is kept once, whatever it says; the rest is turned away.
pub(crate) async fn of_the_hub(world: &World) -> Result<(), Error> {
    let event = json!({ "id": "evt_deployed_1", "event": "channel_live", "data": { "id": "Qq11wwCH" } });
    for (signature, status) in [("good", 200), ("prefixed", 200), ("wrong", 401), ("none", 401)] {
        let mut event = event.clone();
        event["id"] = format!("evt_deployed_{signature}").into();
        let answer = world.api.order("webhook", &json!({ "event": event, "signature": signature })).await?;
        if answer["status"] != status {
            return Err(format!("{signature}: {answer}").into());
        }
        let kept = world.resources.item(&format!("INBOX#partner_hub#evt_deployed_{signature}"), "INBOX").await?;
        if kept.is_some() != (status == 200) {
            return Err(format!("{signature}: kept is {}", kept.is_some()).into());
        }
    }
    for (what, order) in [
        (
            "repeated",
            json!({ "event": { "id": "evt_deployed_good", "event": "channel_live", "data": { "id": "Qq11wwCH" } } }),
        ),
        ("unknown", json!({ "event": { "id": "evt_deployed_odd", "event": "of_tomorrow", "data": [1, 2] } })),
        ("not JSON", json!({ "body": "channel live" })),
    ] {
        let answer = world.api.order("webhook", &order).await?;
        if answer["status"] != 200 {
            return Err(format!("{what}: {answer}").into());
        }
    }
    Ok(())
}

/// Meta's: the handshake answers to the verify token only.
pub(crate) async fn of_meta(world: &World) -> Result<(), Error> {
    let handshake =
        |token: &str| format!("/webhooks/meta?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444");
    let answer = world.api.get(&handshake(World::verify_token()), "").await?.with(200)?;
    if answer != 1_158_201_444 {
        return Err(format!("challenge: {answer}").into());
    }
    world.api.get(&handshake("another-token"), "").await?.with(401)?;
    let unsigned = json!({ "object": "whatsapp_business_account", "entry": [] });
    world.api.post("/webhooks/meta", "", &unsigned).await?.with(401)?;
    Ok(())
}
