#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use std::collections::BTreeMap;

use onboarding::ChannelId;
use partner_hub::ApiKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::macros::datetime;
use vault::{SecretsManagerVault, Vault, VaultError};

use crate::support::aws::Aws;

const NAME: &str = "stack/channels/Rb82LdCH/api-key";

/// Secrets Manager, as far as a vault notices.
#[derive(Default)]
struct Secrets {
    values: BTreeMap<String, String>,
    deleted: bool,
}

impl Secrets {
    fn answer(&mut self, action: &str, parameters: &Value) -> Result<Value, &'static str> {
        let name = parameters[if action == "CreateSecret" { "Name" } else { "SecretId" }].as_str().unwrap().to_owned();
        let value = parameters["SecretString"].as_str().unwrap_or_default().to_owned();
        let arn = json!({ "ARN": format!("arn:{name}"), "Name": name });
        let exists = self.values.contains_key(&name);
        match action {
            "RestoreSecret" if exists => {
                self.deleted = false;
                Ok(arn)
            }
            _ if self.deleted => Err("InvalidRequestException: the secret is scheduled for deletion"),
            "CreateSecret" if exists => Err("ResourceExistsException: there is one"),
            "CreateSecret" => {
                self.values.insert(name, value);
                Ok(arn)
            }
            _ if !exists => Err("ResourceNotFoundException: there is none"),
            "PutSecretValue" => {
                self.values.insert(name, value);
                Ok(arn)
            }
            "GetSecretValue" => Ok(json!({ "ARN": format!("arn:{name}"), "SecretString": self.values[&name] })),
            _ => Err("UnknownOperationException: what"),
        }
    }
}

async fn vault(mut secrets: Secrets) -> (Aws, SecretsManagerVault) {
    let aws = Aws::start(move |action, parameters| secrets.answer(action, parameters)).await;
    let vault = SecretsManagerVault::new(aws_sdk_secretsmanager::Client::new(&aws.config), "stack".to_owned());
    (aws, vault)
}

fn channel() -> ChannelId {
    "Rb82LdCH".parse().unwrap()
}

pub(crate) fn key(text: &str) -> ApiKey {
    ApiKey {
        api_key: text.into(),
        address: "https://waba-v2.360dialog.io".parse().unwrap(),
        key_id: Some("Ux93mTAK".to_owned()),
        created_at: datetime!(2026-11-02 09:30 UTC),
    }
}

/// What every vault does.
async fn keeps_one_key(vault: &dyn Vault) {
    assert!(vault.find(&channel()).await.unwrap().is_none());
    vault.store(&channel(), &key("canary-1")).await.unwrap();
    let stored = vault.store(&channel(), &key("canary-2")).await.unwrap();
    let (found, found_stored) = vault.find(&channel()).await.unwrap().unwrap();
    assert_eq!(found.api_key.expose_secret(), "canary-2");
    assert_eq!(found.address.as_str(), "https://waba-v2.360dialog.io/");
    assert_eq!(found.key_id.as_deref(), Some("Ux93mTAK"));
    assert_eq!(found.created_at, datetime!(2026-11-02 09:30 UTC));
    assert_eq!(found_stored, stored);
    assert_eq!((&stored.address, &stored.key_id), (&found.address.to_string(), &found.key_id));
    let arn = stored.secret_arn;
    assert!(arn.starts_with("arn:") && arn.ends_with(NAME));
    for text in [format!("{found:?}"), format!("{:?}", key("canary-3"))] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(vault.find(&"Qx71TnCH".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_vault_at_secrets_manager_keeps_one_key_per_channel() {
    let (aws, vault) = vault(Secrets::default()).await;
    keeps_one_key(&vault).await;
    let calls = aws.calls();
    let created = calls.iter().find(|(action, _)| action == "CreateSecret").unwrap();
    assert_eq!(created.1["Name"], NAME);
    let value: Value = serde_json::from_str(created.1["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(
        value,
        json!({
            "api_key": "canary-1",
            "address": "https://waba-v2.360dialog.io/",
            "key_id": "Ux93mTAK",
            "created_at": "2026-11-02T09:30:00Z",
            "channel_id": "Rb82LdCH",
        })
    );
}

#[tokio::test]
async fn the_vault_twin_keeps_one_key_per_channel_and_fails_when_told_to() {
    let vault = vault::MemoryVault::new("stack");
    keeps_one_key(&vault).await;
    assert_eq!(vault.keys().len(), 1);
    vault.fail_next_finds(1);
    vault.fail_next_stores(1);
    assert!(vault.find(&channel()).await.is_err() && vault.find(&channel()).await.is_ok());
    assert!(vault.store(&channel(), &key("canary-9")).await.is_err());
    assert_eq!(vault.keys()[0].1.api_key.expose_secret(), "canary-2", "a failed store changes nothing");
    assert!(vault.remove(&channel()).is_some() && vault.keys().is_empty());
}

#[tokio::test]
async fn a_secret_scheduled_for_deletion_counts_as_absent_and_is_restored_by_the_next_store() {
    let values = BTreeMap::from([(NAME.to_owned(), "of old".to_owned())]);
    let (aws, vault) = vault(Secrets { values, deleted: true }).await;
    assert!(vault.find(&channel()).await.unwrap().is_none());
    vault.store(&channel(), &key("canary-1")).await.unwrap();
    assert_eq!(aws.actions(), ["GetSecretValue", "CreateSecret", "RestoreSecret", "PutSecretValue"]);
    assert_eq!(vault.find(&channel()).await.unwrap().unwrap().0.api_key.expose_secret(), "canary-1");
}

#[tokio::test]
async fn a_vault_entry_of_another_shape_is_unreadable_and_not_repeated() {
    let of_another = json!({
        "api_key": "canary", "address": "https://a.example", "created_at": "2026-11-02T09:30:00Z", "channel_id": "Qx71TnCH",
    });
    for value in ["canary".to_owned(), "{\"api_key\": [\"canary\"]}".to_owned(), of_another.to_string()] {
        let values = BTreeMap::from([(NAME.to_owned(), value)]);
        let (_, vault) = vault(Secrets { values, deleted: false }).await;
        let error = vault.find(&channel()).await.unwrap_err();
        assert!(matches!(error, VaultError::Unreadable(_)), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn any_other_refusal_of_secrets_manager_is_retried() {
    for refusal in ["AccessDeniedException: no", "InvalidRequestException: managed by another service"] {
        let aws = Aws::start(move |_, _| Err(refusal)).await;
        let vault = SecretsManagerVault::new(aws_sdk_secretsmanager::Client::new(&aws.config), "stack".to_owned());
        let word = VaultError::Unavailable(refusal.split_once(':').unwrap().0.to_owned());
        assert_eq!(vault.store(&channel(), &key("canary-1")).await, Err(word.clone()));
        assert_eq!(vault.find(&channel()).await.err(), Some(word));
    }
}
