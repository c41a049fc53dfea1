//! The workers' secret: how the Hub is called, and what the messaging API is told.

use std::collections::BTreeMap;

use partner_hub::HubCredentials;
use partner_webhook::SigningSecret;
use secrecy::SecretString;

use crate::IncompleteSecret;
use crate::fields::Fields;

/// The fields that hold credentials of the Hub.
pub(crate) const HUB_FIELDS: [&str; 4] = ["hub_api_key", "hub_bearer_token", "hub_user_name", "hub_password"];

/// What client-account, number-submission, key-creation and event-publisher need. No function that customers or webhooks reach may read it.
#[derive(Debug, Clone)]
pub struct WorkerSecret {
    /// `hub_api_key`, or `hub_bearer_token`, or `hub_user_name` with `hub_password`.
    pub hub: HubCredentials,
    /// `hub_token_key`: what the key is derived from that seals the Hub's token in the table. Generated; changing it costs one
    /// more token.
    pub hub_token_key: SecretString,
    /// `message_webhook_headers`: an object of headers that the messaging API is to send with each message.
    pub message_webhook_headers: BTreeMap<String, SecretString>,
    /// `partner_webhook_secret`, and `previous_partner_webhook_secret` while it is being rotated: what events are signed with.
    /// Empty without a webhook of the partner's. What is wrong with one of them, if anything is: that keeps nobody from the Hub.
    pub partner_webhook: Result<Vec<SigningSecret>, String>,
}

impl WorkerSecret {
    /// Reads the secret's value. Unknown fields are ignored; an empty one, or one with the template's placeholder, counts
    /// as missing.
    ///
    /// # Errors
    /// Names every field that is missing or malformed.
    pub fn parse(json: &str) -> Result<Self, IncompleteSecret> {
        let mut fields = Fields::read("the secret …/worker", json)?;
        let hub = hub(&mut fields);
        let hub_token_key = fields.required("hub_token_key");
        let message_webhook_headers = fields.headers("message_webhook_headers");
        let partner_webhook = ["partner_webhook_secret", "previous_partner_webhook_secret"];
        let partner_webhook =
            partner_webhook.into_iter().filter_map(|name| signing_secret(&mut fields, name)).collect();
        let secret = hub.zip(hub_token_key).map(|(hub, hub_token_key)| Self {
            hub,
            hub_token_key,
            message_webhook_headers,
            partner_webhook,
        });
        fields.finish(secret)
    }
}

fn signing_secret(fields: &mut Fields, name: &str) -> Option<Result<SigningSecret, String>> {
    let parsed: Result<SigningSecret, _> = fields.text(name)?.parse();
    Some(parsed.map_err(|error| format!("{name} {error}")))
}

/// Exactly one kind: with two, a typing error in the one that is meant would silently use the other.
fn hub(fields: &mut Fields) -> Option<HubCredentials> {
    const KINDS: &str = "hub_api_key, hub_bearer_token, or hub_user_name with hub_password";

    let api_key = fields.optional("hub_api_key").map(HubCredentials::ApiKey);
    let bearer = fields.optional("hub_bearer_token").map(HubCredentials::Bearer);
    let password = match (fields.text("hub_user_name"), fields.optional("hub_password")) {
        (Some(user_name), Some(password)) => Some(HubCredentials::Password { user_name, password }),
        (None, None) => None,
        (Some(_), None) => return half(fields, "hub_password"),
        (None, Some(_)) => return half(fields, "hub_user_name"),
    };
    let mut kinds: Vec<_> = [api_key, bearer, password].into_iter().flatten().collect();
    match kinds.len() {
        1 => return kinds.pop(),
        0 => fields.problem(format!("{KINDS} is missing")),
        _ => fields.problem(format!("only one may be there of {KINDS}")),
    }
    None
}

fn half(fields: &mut Fields, name: &str) -> Option<HubCredentials> {
    fields.problem(format!("{name} is missing"));
    None
}
