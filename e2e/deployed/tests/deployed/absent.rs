//! What nobody says: a customer who closed the tab, a channel that nobody knows, a key that is gone.

use deployed::{Error, eventually};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::journey::{PATIENCE, ready};
use crate::support::stack::DeployedStack;
use crate::webhooks::signed;

/// The customer finishes at Meta, and no page hands it over: Meta reports it, and the partner says whose it is.
pub(crate) async fn customer(stack: &mut DeployedStack) -> Result<(), Error> {
    let popup = stack.api.order("popup", &json!({ "account": "one_number:7" })).await?;
    let ids = &popup["session"]["data"];
    let started =
        stack.api.start_with("tenant-7", &json!({ "prefill": { "business": { "id": ids["business_id"] } } })).await?;
    stack.secrets.push(started.token().to_owned());
    let opened = json!({ "session": { "event": "OPENED", "data": {} } });
    let callback = format!("/onboardings/{}/es-callback", started.id);
    stack.api.post(&callback, started.token(), &opened).await?.with(200)?;

    let account = json!({ "waba_id": ids["waba_id"], "owner_business_id": ids["business_id"] });
    let value = json!({ "event": "PARTNER_ADDED", "waba_info": account });
    let entry = json!([{ "id": "733100000000021", "changes": [{ "field": "account_update", "value": value }] }]);
    let body = json!({ "object": "whatsapp_business_account", "entry": entry }).to_string();
    let signature = signed(&stack.fake.app_secret, &body);
    stack.api.post_as_it_is("/webhooks/meta", "x-hub-signature-256", &signature, &body).await?.with(200)?;
    // Now, and not in minutes.
    let entry = format!("INBOX#meta#{}", hex::encode(Sha256::digest(&body)));
    stack.resources.make_due(&entry, "WORK").await?;
    eventually("the signup is listed as unclaimed", PATIENCE, async || {
        let listed = stack.api.unclaimed().await?;
        let mut signups = listed["signups"].as_array().into_iter().flatten();
        Ok(signups.any(|signup| signup["waba_id"] == ids["waba_id"]).then_some(()))
    })
    .await?;
    let claim = json!({ "waba_id": ids["waba_id"], "phone_number_id": ids["phone_number_id"] });
    stack.api.claim(&started, &claim).await?.with(200)?;
    ready(stack, &started).await
}

/// The daily sweep finds a live channel that another system of the partner made, and reports it once.
pub(crate) async fn onboarding(stack: &mut DeployedStack) -> Result<(), Error> {
    let popup = stack.api.order("popup", &json!({ "account": "one_number:elsewhere" })).await?;
    let ids = &popup["session"]["data"];
    let client_id = stack.api.ledger().await?["clients"][0]["id"].clone();
    let number = json!({
        "solution_id": stack.fake.solution_id,
        "client_id": client_id,
        "waba_external_id": ids["waba_id"],
        "channel_external_id": ids["phone_number_id"],
    });
    let partner = format!("{}/partners/{}", stack.simulator.hub_url(), stack.fake.partner_id);
    let request = exchange::client()?.post(format!("{partner}/account_sharing/numbers")).json(&number);
    request.header("x-api-key", &stack.fake.api_key).send().await?.error_for_status()?;
    let ledger = stack.api.ledger().await?;
    let mut channels = ledger["channels"].as_array().into_iter().flatten();
    let channel = channels.find(|channel| channel["external_id"] == ids["phone_number_id"]);
    let id = channel.and_then(|channel| channel["id"].as_str()).ok_or("the Hub made no channel")?;
    eventually("the sweep reports the channel", PATIENCE, async || {
        let report = stack.resources.item(&format!("CHANNEL#{id}"), "REPORT#channel_unknown").await?;
        if report.is_none() {
            // Now, and not tomorrow.
            stack.resources.make_due("SWEEP#hub", "SWEEP").await?;
        }
        Ok(report.map(drop))
    })
    .await
}
