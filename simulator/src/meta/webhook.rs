//! Meta's webhooks: signed, after a handshake, one or several reports in a body.

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::changes::{Change, PARTNERS};
use crate::half_surrogates;
use crate::ledger;
use crate::outbound::{self, Answer};
use crate::platforms::Platforms;
use crate::settings::Signature;
use crate::webhooks::hmac_hex;

/// Body of `POST /simulator/account_update`: one report in a body of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountUpdate {
    account: String,
    /// Such as `PARTNER_ADDED`, which with `PARTNER_APP_INSTALLED` also counts as a finished Embedded Signup.
    event: String,
    /// When it happened, if not now.
    #[serde(default, with = "time::serde::rfc3339::option")]
    time: Option<OffsetDateTime>,
    #[serde(default)]
    ids_as_numbers: bool,
    /// Whether the WABA is no longer shared from now on, and its tokens void.
    #[serde(default)]
    unshare: bool,
    #[serde(default = "once")]
    copies: u32,
}

/// Body of `POST /simulator/meta_webhook`: entries with their changes, or the exact body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    #[serde(default)]
    entries: Vec<Entry>,
    body: Option<String>,
    signature: Option<Signature>,
    #[serde(default = "once")]
    copies: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// When it happened, if not now.
    #[serde(default, with = "time::serde::rfc3339::option")]
    time: Option<OffsetDateTime>,
    changes: Vec<Change>,
}

fn once() -> u32 {
    1
}

impl From<AccountUpdate> for Order {
    fn from(update: AccountUpdate) -> Self {
        let AccountUpdate { account, event, time, ids_as_numbers, unshare, copies } = update;
        let changes = vec![Change::account_update(account, event, ids_as_numbers, unshare)];
        Self { entries: vec![Entry { time, changes }], body: None, signature: None, copies }
    }
}

impl Order {
    /// Why this order makes no sense, if it does not.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.body.is_some() != self.entries.is_empty() {
            return Some("one of entries and body must be given".to_owned());
        }
        if self.copies == 0 {
            return Some("copies: must be at least 1".to_owned());
        }
        self.entries.iter().flat_map(|entry| &entry.changes).find_map(Change::problem)
    }

    /// What the ledger calls it.
    fn name(&self) -> String {
        let names: Vec<String> = self.entries.iter().flat_map(|entry| &entry.changes).map(Change::name).collect();
        if names.is_empty() { "ordered".to_owned() } else { names.join(", ") }
    }
}

/// Sends it, signed with the app secret, and returns the receiver's last answer. An address not seen before is asked
/// for the handshake first, as Meta does when an address is entered.
pub(crate) async fn send(platforms: &Platforms, order: &Order) -> Result<Answer, String> {
    let url = platforms.settings.meta_webhook_url.clone().ok_or("no Meta webhook URL is set")?;
    let verified = platforms.state().verified_meta_url.as_ref() == Some(&url);
    if !verified {
        handshake(platforms, &url).await?;
        platforms.state().verified_meta_url = Some(url.clone());
    }
    let body = match &order.body {
        Some(body) => body.clone(),
        None => half_surrogates::sent(&body(platforms, &order.entries)),
    };
    let mut last = Err("not sent".to_owned());
    for copy in 1..=order.copies {
        last = post(platforms, &url, &body, order.signature.unwrap_or(Signature::Good)).await;
        platforms.state().ledger.webhooks.push(ledger::Webhook {
            sender: "meta".to_owned(),
            event: order.name(),
            id: None,
            channel_id: None,
            status: last.as_ref().ok().map(|answer| answer.status),
            error: last.as_ref().err().cloned(),
            at: platforms.now(),
            attempt: copy,
        });
    }
    last
}

/// Meta always writes `sha256=` first; [`Signature::Prefixed`] is the same as [`Signature::Good`].
async fn post(platforms: &Platforms, url: &str, body: &str, signature: Signature) -> Result<Answer, String> {
    let secret = &platforms.settings.app_secret;
    let digest = match signature {
        Signature::Good | Signature::Prefixed => Some(hmac_hex(secret, body.as_bytes())),
        Signature::Wrong => Some(hmac_hex(&format!("not {secret}"), body.as_bytes())),
        Signature::None => None,
    };
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(digest.map(|digest| ("x-hub-signature-256", format!("sha256={digest}"))));
    outbound::call(url, headers, Some(Bytes::from(body.to_owned()))).await
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

fn body(platforms: &Platforms, entries: &[Entry]) -> String {
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let changes: Vec<Value> = entry.changes.iter().map(|change| change.play(platforms)).collect();
            // Reports of partners stand below the partner, all others below the customer's WABA.
            let id = entry.changes.first().and_then(|change| change.waba_id(platforms));
            json!({
                "id": id.as_deref().unwrap_or(PARTNERS[0]),
                "time": entry.time.unwrap_or_else(|| platforms.now()).unix_timestamp(),
                "changes": changes,
            })
        })
        .collect();
    json!({"object": "whatsapp_business_account", "entry": entries}).to_string()
}
