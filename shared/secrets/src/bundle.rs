//! The edge's secret: how requests and webhooks are told from forged ones, and how Meta is called.

use secrecy::SecretString;

use crate::IncompleteSecret;
use crate::fields::Fields;
use crate::worker::HUB_FIELDS;

/// What the functions need that customers, webhooks and your server reach, and reconciliation, which calls Meta. It holds no
/// credential of the Hub.
#[derive(Debug, Clone)]
pub struct BundleSecret {
    /// `backend_token`: what the partner's server sends as its bearer token.
    pub backend_token: SecretString,
    /// `platform_secret`: what the Hub signs webhooks with. This or `webhook_token` is there.
    pub platform_secret: Option<SecretString>,
    /// `platform_secret_previous`: also accepted, while it is being rotated.
    pub platform_secret_previous: Option<SecretString>,
    /// `webhook_token`: what the Hub was told to send in a header, where there is no platform secret.
    pub webhook_token: Option<SecretString>,
    /// `meta_app_secret`.
    pub meta_app_secret: SecretString,
    /// `meta_verify_token`: what Meta sends when its webhook is set up.
    pub meta_verify_token: SecretString,
    /// `meta_system_user_token`.
    pub meta_system_user_token: Option<SecretString>,
}

impl BundleSecret {
    /// Reads the secret's value. Unknown fields are ignored; an empty one, or one with the template's placeholder, counts
    /// as missing. Credentials of the Hub are not read, and a warning is logged if some are there.
    ///
    /// # Errors
    /// Names every field that is missing or malformed.
    pub fn parse(json: &str) -> Result<Self, IncompleteSecret> {
        let mut fields = Fields::read("the secret …/bundle", json)?;
        let misplaced = fields.filled_in(&HUB_FIELDS);
        if !misplaced.is_empty() {
            tracing::warn!(
                fields = misplaced.join(", "),
                "the secret …/bundle holds credentials of the Hub, which functions on the internet can read; they belong in …/worker alone"
            );
        }
        let backend_token = fields.required("backend_token");
        let platform_secret = fields.optional("platform_secret");
        let platform_secret_previous = fields.optional("platform_secret_previous");
        let webhook_token = fields.optional("webhook_token");
        if platform_secret.is_none() && webhook_token.is_none() {
            fields
                .problem("platform_secret or webhook_token must be there, to tell the Hub's webhooks from forged ones");
        }
        let meta_app_secret = fields.required("meta_app_secret");
        let meta_verify_token = fields.required("meta_verify_token");
        let meta_system_user_token = fields.optional("meta_system_user_token");
        let secret = match (backend_token, meta_app_secret, meta_verify_token) {
            (Some(backend_token), Some(meta_app_secret), Some(meta_verify_token)) => Some(Self {
                backend_token,
                platform_secret,
                platform_secret_previous,
                webhook_token,
                meta_app_secret,
                meta_verify_token,
                meta_system_user_token,
            }),
            _ => None,
        };
        fields.finish(secret)
    }

    /// The secrets with which the Hub may have signed a webhook. None if it signs no more: the previous one counts only beside
    /// a present one.
    pub fn platform_secrets(&self) -> Vec<&SecretString> {
        let previous = self.platform_secret_previous.iter().filter(|_| self.platform_secret.is_some());
        self.platform_secret.iter().chain(previous).collect()
    }
}
