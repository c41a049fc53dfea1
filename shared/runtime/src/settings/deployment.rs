//! Settings that the template fills in with the names of its own resources.

use std::collections::BTreeMap;

use ::url::Url;
use http::HeaderName;
use onboarding::limiter::CallLimit;
use queue::QueueName;

use super::{Env, Incomplete, Setting, Source, parse, providers};

settings! {
    TABLE_NAME: resource, "The table.";
    BUNDLE_SECRET_ID: resource, "Name or ARN of the edge's secret.";
    WORKER_SECRET_ID: resource, "Name or ARN of the workers' secret.";
    SEALING_KEY_ID: resource, "Name or ARN of the secret with the keys that seal the tokens of sign-ups.";
    HEADER_KEY_ID: resource, "Name or ARN of the secret with the keys that seal the headers of message webhooks.";
    VAULT_PREFIX: resource, "What the names of the keys' secrets begin with.";
    WEBHOOK_TOKEN_HEADER: parameter "WebhookTokenHeader" = "x-partner-token", "Header of the Hub's webhooks that carries the shared token, if there is no platform secret.";
}

/// Where onboardings are kept.
#[derive(Debug, Clone)]
pub struct TableConfig {
    /// `TABLE_NAME`: the table.
    pub name: String,
}

impl TableConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        Ok(Self { name: env.required(TABLE_NAME)? })
    }
}

/// Names or ARNs of the secrets. Which of them a function may read is its role's to say.
#[derive(Debug, Clone)]
pub struct SecretsConfig {
    /// `BUNDLE_SECRET_ID`: the edge's.
    pub bundle: String,
    /// `WORKER_SECRET_ID`: the workers'.
    pub worker: String,
    /// `SEALING_KEY_ID`: the keys with which the tokens of signups are sealed.
    pub sealing: String,
    /// `HEADER_KEY_ID`: the keys with which the headers of message webhooks are sealed.
    pub header_key: String,
}

impl SecretsConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let ids = [BUNDLE_SECRET_ID, WORKER_SECRET_ID, SEALING_KEY_ID, HEADER_KEY_ID].map(|id| env.required(id));
        let [bundle, worker, sealing, header_key] = ids;
        Ok(Self { bundle: bundle?, worker: worker?, sealing: sealing?, header_key: header_key? })
    }
}

/// What the dispatcher needs.
#[derive(Debug, Clone)]
pub struct DispatcherConfig {
    /// `HUB_CALL_LIMIT`.
    pub call_limit: CallLimit,
    /// The URLs of the queues. Any scheme and host will do: the template gives what SQS named.
    pub queues: BTreeMap<QueueName, Url>,
}

impl DispatcherConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let call_limit = providers::call_limit(env);
        let mut queues = BTreeMap::new();
        let mut complete = Ok(());
        for queue in QueueName::all() {
            let Some(setting) = queue_url(queue) else { continue };
            match env.required_parsed(setting, parse("must be a URL")) {
                Ok(url) => _ = queues.insert(queue, url),
                Err(incomplete) => complete = Err(incomplete),
            }
        }
        complete?;
        Ok(Self { call_limit: call_limit?, queues })
    }
}

/// The URL of a queue; `None` of a step without one.
pub(super) fn queue_url(queue: QueueName) -> Option<Setting> {
    let name = queue.variable()?;
    Some(Setting { name, source: Source::Resource, description: "URL of the queue." })
}

/// Where API keys are kept.
#[derive(Debug, Clone)]
pub struct VaultConfig {
    /// `VAULT_PREFIX`: what the names of the keys' secrets begin with, such as the stack's name.
    pub prefix: String,
}

impl VaultConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let prefix = env.required_parsed(VAULT_PREFIX, |text| {
            // Secrets Manager's alphabet for names; a slash at an end would double.
            let valid = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b);
            if text.len() <= 256 && text.bytes().all(valid) && !text.starts_with('/') && !text.ends_with('/') {
                Ok(text.to_owned())
            } else {
                Err("must be letters, digits and /_+=.@- without a slash at either end".to_owned())
            }
        })?;
        Ok(Self { prefix })
    }
}

/// How the Hub's webhooks are told from forged ones where there is no platform secret.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// `WEBHOOK_TOKEN_HEADER`: the header in which the Hub sends the shared token.
    pub token_header: HeaderName,
}

impl WebhookConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        Ok(Self { token_header: env.parsed(WEBHOOK_TOKEN_HEADER, parse("must be a header's name"))? })
    }
}
