//! The vault at Secrets Manager.

use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use exchange::ChannelId;
use onboarding::StoredKey;
use partner_hub::ApiKey;
use telemetry::milliseconds;
use telemetry::reason;

use super::{SecretValue, Vault, VaultError, parse_key, secret_name, stored_key};

/// ARN and version of a secret that was written.
type Written = (Option<String>, Option<String>);

/// Keeps keys at Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManagerVault {
    client: Client,
    prefix: String,
}

impl SecretsManagerVault {
    /// Keeps keys under the names that begin with this prefix.
    pub fn new(client: Client, prefix: String) -> Self {
        Self { client, prefix }
    }

    async fn create(&self, name: &str, value: &str) -> Result<Written, ServiceError> {
        let started = Instant::now();
        let call = self
            .client
            .create_secret()
            .name(name)
            .description("API key of a WhatsApp channel at 360dialog")
            .secret_string(value);
        log_and_classify("CreateSecret", started, call.send().await).map(|created| (created.arn, created.version_id))
    }

    async fn put(&self, name: &str, value: &str) -> Result<Written, ServiceError> {
        let started = Instant::now();
        let call = self.client.put_secret_value().secret_id(name).secret_string(value);
        log_and_classify("PutSecretValue", started, call.send().await).map(|put| (put.arn, put.version_id))
    }

    /// Takes back a deletion that is scheduled.
    async fn restore(&self, name: &str) -> Result<(), ServiceError> {
        let started = Instant::now();
        log_and_classify("RestoreSecret", started, self.client.restore_secret().secret_id(name).send().await)
            .map(|_| ())
    }
}

#[async_trait]
impl Vault for SecretsManagerVault {
    async fn find(&self, channel: &ChannelId) -> Result<Option<(ApiKey, StoredKey)>, VaultError> {
        let name = secret_name(&self.prefix, channel);
        let started = Instant::now();
        let found = self.client.get_secret_value().secret_id(&name).send().await;
        match log_and_classify("GetSecretValue", started, found) {
            Ok(found) => {
                let json = found.secret_string.ok_or_else(|| VaultError::Unreadable("it is not text".to_owned()))?;
                let key = parse_key(&json, channel)?;
                let stored = stored_key(&key, found.arn.unwrap_or(name), found.version_id);
                Ok(Some((key, stored)))
            }
            Err(ServiceError::Absent | ServiceError::Deleted) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn holds(&self, channel: &ChannelId) -> Result<bool, VaultError> {
        let started = Instant::now();
        let call = self.client.describe_secret().secret_id(secret_name(&self.prefix, channel));
        match log_and_classify("DescribeSecret", started, call.send().await) {
            Ok(found) => Ok(found.deleted_date.is_none()),
            Err(ServiceError::Absent | ServiceError::Deleted) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn store(&self, channel: &ChannelId, key: &ApiKey) -> Result<StoredKey, VaultError> {
        let name = secret_name(&self.prefix, channel);
        let value = SecretValue::new(channel, key).to_json()?;
        let (arn, version) = match self.create(&name, &value).await {
            Err(ServiceError::Exists) => self.put(&name, &value).await,
            // A name is reserved until its deletion is carried out, which takes days.
            Err(ServiceError::Deleted) => {
                self.restore(&name).await?;
                self.put(&name, &value).await
            }
            created => created,
        }?;
        Ok(stored_key(key, arn.unwrap_or(name), version))
    }

    /// Secrets Manager keeps a deleted secret for another 30 days, in which an operator can restore it.
    async fn delete(&self, channel: &ChannelId) -> Result<(), VaultError> {
        let started = Instant::now();
        let call = self.client.delete_secret().secret_id(secret_name(&self.prefix, channel));
        match log_and_classify("DeleteSecret", started, call.send().await) {
            Ok(_) | Err(ServiceError::Absent | ServiceError::Deleted) => Ok(()),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// The errors of Secrets Manager that we tell apart.
enum ServiceError {
    Absent,
    Exists,
    /// The secret is scheduled for deletion.
    Deleted,
    Other(String),
}

impl From<ServiceError> for VaultError {
    fn from(error: ServiceError) -> Self {
        Self::Unavailable(match error {
            ServiceError::Absent => "the secret is gone".to_owned(),
            ServiceError::Exists => "the secret was created meanwhile".to_owned(),
            ServiceError::Deleted => "the secret is scheduled for deletion".to_owned(),
            ServiceError::Other(reason) => reason,
        })
    }
}

/// Writes one log line for one call, and classifies its error.
fn log_and_classify<T, E, R>(
    route: &str,
    started: Instant,
    answer: Result<T, SdkError<E, R>>,
) -> Result<T, ServiceError>
where
    E: ProvideErrorMetadata,
{
    let reason = answer.as_ref().err().map(reason);
    let (outcome, milliseconds) = (reason.as_deref().unwrap_or("ok"), milliseconds(started));
    tracing::info!(service = "secrets manager", route, outcome, milliseconds, "call");
    answer.map_err(|error| match error.code() {
        Some("ResourceNotFoundException") => ServiceError::Absent,
        Some("ResourceExistsException") => ServiceError::Exists,
        // Also a secret that another service manages; the sentence tells them apart, as AWS has no other word for it.
        Some("InvalidRequestException") if error.message().is_some_and(|text| text.contains("deletion")) => {
            ServiceError::Deleted
        }
        _ => ServiceError::Other(reason.unwrap_or_default()),
    })
}
