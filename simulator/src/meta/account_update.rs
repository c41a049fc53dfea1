//! Meta's `account_update` webhook: how a customer who closed the tab is still heard of.

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::half_surrogates;
use crate::ledger;
use crate::outbound::{self, Answer};
use crate::platforms::Platforms;
use crate::webhooks::hmac_hex;

/// The partner's and 360dialog's portfolios.
const PARTNERS: [&str; 2] = ["733100000000021", "733100000000099"];

/// Body of `POST /simulator/account_update`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    account: String,
    /// Such as `PARTNER_ADDED`, which with `PARTNER_APP_INSTALLED` also counts as a finished Embedded Signup.
    event: String,
}

/// Sends it, signed with the app secret, and returns the receiver's answer. An address not seen before is asked for
/// the handshake first, as Meta does when an address is entered.
pub(crate) async fn send(platforms: &Platforms, update: &Update) -> Result<Answer, String> {
    let url = platforms.settings.meta_webhook_url.clone().ok_or("no Meta webhook URL is set")?;
    let verified = platforms.state().verified_meta_url.as_ref() == Some(&url);
    if !verified {
        handshake(platforms, &url).await?;
        platforms.state().verified_meta_url = Some(url.clone());
    }
    let body = half_surrogates::sent(&body(platforms, update));
    let signature = format!("sha256={}", hmac_hex(&platforms.settings.app_secret, body.as_bytes()));
    let headers = vec![("content-type", "application/json".to_owned()), ("x-hub-signature-256", signature)];
    let answer = outbound::call(&url, headers, Some(Bytes::from(body))).await;
    platforms.state().ledger.webhooks.push(ledger::Webhook {
        sender: "meta".to_owned(),
        event: format!("account_update {}", update.event),
        id: None,
        channel_id: None,
        status: answer.as_ref().ok().map(|answer| answer.status),
        error: answer.as_ref().err().cloned(),
        at: platforms.now(),
        attempt: 1,
    });
    answer
}

async fn handshake(platforms: &Platforms, url: &str) -> Result<(), String> {
    let challenge = platforms.random.text(10);
    let mut asked = outbound::local_url(url)?;
    asked
        .query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.verify_token", &platforms.settings.meta_verify_token)
        .append_pair("hub.challenge", &challenge);
    let answer = outbound::call(asked.as_str(), Vec::new(), None).await?;
    if answer.status == 200 && answer.body == challenge {
        Ok(())
    } else {
        Err(format!("the handshake was answered {} and not with the challenge", answer.status))
    }
}

fn body(platforms: &Platforms, update: &Update) -> String {
    let mut state = platforms.state();
    let account = state.account(&update.account);
    account.shared |= matches!(update.event.as_str(), "PARTNER_ADDED" | "PARTNER_APP_INSTALLED");
    let mut info = Map::new();
    info.insert("waba_id".to_owned(), json!(account.waba_id));
    info.insert("owner_business_id".to_owned(), json!(account.business_id));
    if update.event == "PARTNER_APP_INSTALLED" {
        info.insert("partner_app_id".to_owned(), json!(platforms.settings.app_id));
    }
    info.insert("solution_id".to_owned(), json!(platforms.settings.solution_id));
    info.insert("solution_partner_business_ids".to_owned(), json!(PARTNERS));
    let value = json!({"event": update.event, "waba_info": Value::Object(info)});
    json!({
        "object": "whatsapp_business_account",
        "entry": [{
            "id": PARTNERS[0],
            "time": platforms.now().unix_timestamp(),
            "changes": [{"field": "account_update", "value": value}],
        }],
    })
    .to_string()
}
