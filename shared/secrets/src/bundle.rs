//! The bundle's secret and how it is read: a JSON object of texts, which the operator fills in by hand.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderName;
use partner_hub::HubCredentials;
use secrecy::SecretString;
use serde_json::{Map, Value};

/// What the template puts where the operator has something to fill in.
const PLACEHOLDER: &str = "REPLACE_ME";

/// Every credential of the bundle.
#[derive(Debug, Clone)]
pub struct BundleSecret {
    /// `backend_token`: what the partner's server sends as its bearer token.
    pub backend_token: SecretString,
    /// `hub_api_key`, or `hub_bearer_token`, or `hub_user_name` with `hub_password`.
    pub hub: HubCredentials,
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
    /// `message_webhook_headers`: an object of headers that the messaging API is to send with each message.
    pub message_webhook_headers: BTreeMap<String, SecretString>,
}

/// Every field that is missing or malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BundleError {
    /// A sentence for each, with the field's name and without its value.
    pub problems: Vec<String>,
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bundle's secret is incomplete: {}", self.problems.join("; "))
    }
}

impl BundleSecret {
    /// Reads the secret's value. Unknown fields are ignored; an empty one, or one with the template's placeholder, counts
    /// as missing.
    pub fn parse(json: &str) -> Result<Self, BundleError> {
        let Ok(fields) = serde_json::from_str::<Map<String, Value>>(json) else {
            return Err(BundleError { problems: vec!["it is not a JSON object".to_owned()] });
        };
        let mut reader = Reader { fields, problems: Vec::new() };
        let backend_token = reader.required("backend_token");
        let hub = reader.hub();
        let platform_secret = reader.optional("platform_secret");
        let platform_secret_previous = reader.optional("platform_secret_previous");
        let webhook_token = reader.optional("webhook_token");
        if platform_secret.is_none() && webhook_token.is_none() {
            reader
                .problem("platform_secret or webhook_token must be there, to tell the Hub's webhooks from forged ones");
        }
        let meta_app_secret = reader.required("meta_app_secret");
        let meta_verify_token = reader.required("meta_verify_token");
        let meta_system_user_token = reader.optional("meta_system_user_token");
        let message_webhook_headers = reader.headers("message_webhook_headers");
        match (backend_token, hub, meta_app_secret, meta_verify_token) {
            (Some(backend_token), Some(hub), Some(meta_app_secret), Some(meta_verify_token))
                if reader.problems.is_empty() =>
            {
                Ok(Self {
                    backend_token,
                    hub,
                    platform_secret,
                    platform_secret_previous,
                    webhook_token,
                    meta_app_secret,
                    meta_verify_token,
                    meta_system_user_token,
                    message_webhook_headers,
                })
            }
            _ => Err(BundleError { problems: reader.problems }),
        }
    }

    /// The secrets with which the Hub may have signed a webhook. None if it signs no more: the previous one counts only beside
    /// a present one.
    pub fn platform_secrets(&self) -> Vec<&SecretString> {
        let previous = self.platform_secret_previous.iter().filter(|_| self.platform_secret.is_some());
        self.platform_secret.iter().chain(previous).collect()
    }
}

struct Reader {
    fields: Map<String, Value>,
    problems: Vec<String>,
}

impl Reader {
    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => filled(&text).then(|| text.trim().to_owned()),
            Some(_) => {
                self.problem(format!("{name} must be a text"));
                None
            }
        }
    }

    fn optional(&mut self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    fn required(&mut self, name: &str) -> Option<SecretString> {
        let before = self.problems.len();
        let value = self.optional(name);
        if value.is_none() && self.problems.len() == before {
            self.problem(format!("{name} is missing"));
        }
        value
    }

    /// Exactly one kind: with two, a typing error in the one that is meant would silently use the other.
    fn hub(&mut self) -> Option<HubCredentials> {
        const KINDS: &str = "hub_api_key, hub_bearer_token, or hub_user_name with hub_password";

        let api_key = self.optional("hub_api_key").map(HubCredentials::ApiKey);
        let bearer = self.optional("hub_bearer_token").map(HubCredentials::Bearer);
        let password = match (self.text("hub_user_name"), self.optional("hub_password")) {
            (Some(user_name), Some(password)) => Some(HubCredentials::Password { user_name, password }),
            (None, None) => None,
            (Some(_), None) => return self.half("hub_password"),
            (None, Some(_)) => return self.half("hub_user_name"),
        };
        let mut kinds: Vec<_> = [api_key, bearer, password].into_iter().flatten().collect();
        match kinds.len() {
            1 => return kinds.pop(),
            0 => self.problem(format!("{KINDS} is missing")),
            _ => self.problem(format!("only one may be there of {KINDS}")),
        }
        None
    }

    fn half(&mut self, name: &str) -> Option<HubCredentials> {
        self.problem(format!("{name} is missing"));
        None
    }

    fn headers(&mut self, name: &str) -> BTreeMap<String, SecretString> {
        let fields = match self.fields.remove(name) {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => {
                self.problem(format!("{name} must be an object of texts"));
                return BTreeMap::new();
            }
        };
        let mut headers = BTreeMap::new();
        for (header, value) in fields {
            match value {
                _ if HeaderName::from_bytes(header.as_bytes()).is_err() => {
                    self.problem(format!("{name}.{header} is not a header's name"));
                }
                Value::String(text) if filled(&text) => _ = headers.insert(header, text.into()),
                // Left empty by the operator: not wanted.
                Value::Null | Value::String(_) => {}
                _ => self.problem(format!("{name}.{header} must be a text")),
            }
        }
        headers
    }
}

fn filled(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(PLACEHOLDER)
}
