//! What AWS holds of the stack: the table, the queues, the secrets.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use onboarding::ChannelId;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use vault::{SecretsManagerVault, Vault};

use crate::Error;
use crate::sam::STACK;

/// The stack's resources.
pub struct Resources {
    table: String,
    bundle: String,
    worker: String,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

impl Resources {
    /// Of the stack with these outputs.
    ///
    /// # Errors
    /// If an output is missing.
    pub fn new(config: &SdkConfig, outputs: &BTreeMap<String, String>) -> Result<Self, Error> {
        let output = |name: &str| outputs.get(name).cloned().ok_or(format!("no output {name}"));
        Ok(Self {
            table: output("TableName")?,
            bundle: output("BundleSecretName")?,
            worker: output("WorkerSecretName")?,
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
        })
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The fields of the edge's secret.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn bundle(&self) -> Result<Map<String, Value>, Error> {
        self.secret(&self.bundle).await
    }

    /// The fields of the workers' secret.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn worker(&self) -> Result<Map<String, Value>, Error> {
        self.secret(&self.worker).await
    }

    async fn secret(&self, id: &str) -> Result<Map<String, Value>, Error> {
        let value = self.secrets.get_secret_value().secret_id(id).send().await.map_err(told)?;
        Ok(serde_json::from_str(value.secret_string().unwrap_or_default())?)
    }

    /// Fills in fields of both secrets, as an operator does.
    ///
    /// # Errors
    /// If they cannot be written.
    pub async fn fill_in(&self, bundle: &[(&str, &str)], worker: &[(&str, &str)]) -> Result<(), Error> {
        for (id, fields) in [(&self.bundle, bundle), (&self.worker, worker)] {
            let mut secret = self.secret(id).await?;
            for (name, value) in fields {
                secret.insert((*name).to_owned(), (*value).into());
            }
            let text = serde_json::to_string(&secret)?;
            self.secrets.put_secret_value().secret_id(id).secret_string(text).send().await.map_err(told)?;
        }
        Ok(())
    }

    /// The API key that the vault holds for a channel.
    ///
    /// # Errors
    /// If the vault cannot be read.
    #[expect(clippy::disallowed_methods, reason = "the test uses the key")]
    pub async fn api_key(&self, channel: &str) -> Result<Option<String>, Error> {
        let vault = SecretsManagerVault::new(self.secrets.clone(), STACK.to_owned());
        let key = vault.find(&channel.parse::<ChannelId>()?).await?;
        Ok(key.map(|(key, _)| key.api_key.expose_secret().to_owned()))
    }

    /// Loses every message of a queue.
    ///
    /// # Errors
    /// If the queue cannot be emptied.
    pub async fn lose_messages(&self, queue_url: &str) -> Result<(), Error> {
        self.sqs.purge_queue().queue_url(queue_url).send().await.map_err(told)?;
        Ok(())
    }

    /// An item of the table.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn item(&self, pk: &str, sk: &str) -> Result<Option<HashMap<String, AttributeValue>>, Error> {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let read = self.dynamodb.get_item().table_name(&self.table).key("pk", key(pk)).key("sk", key(sk));
        Ok(read.consistent_read(true).send().await.map_err(told)?.item)
    }

    /// Makes work due now that waits for a later time; nothing if it is due within a minute anyway, or if there is none.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn make_due(&self, pk: &str, sk: &str) -> Result<(), Error> {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let soon = (OffsetDateTime::now_utc() + Duration::MINUTE).unix_timestamp() * 1000;
        let update = self.dynamodb.update_item().table_name(&self.table).key("pk", key(pk)).key("sk", key(sk));
        let update = update.update_expression("SET due_at = :now").condition_expression("due_at > :soon");
        let update = update
            .expression_attribute_values(":now", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":soon", AttributeValue::N(soon.to_string()));
        match update.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(told(error).into()),
        }
    }

    /// Sets a number of an item.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn set(&self, pk: &str, sk: &str, attribute: &str, number: i64) -> Result<(), Error> {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let update = self.dynamodb.update_item().table_name(&self.table).key("pk", key(pk)).key("sk", key(sk));
        let update = update.update_expression("SET #a = :n").expression_attribute_names("#a", attribute);
        update.expression_attribute_values(":n", AttributeValue::N(number.to_string())).send().await.map_err(told)?;
        Ok(())
    }

    /// How many messages a queue holds, visible or not.
    ///
    /// # Errors
    /// If the queue cannot be asked.
    pub async fn messages(&self, queue_url: &str) -> Result<u32, Error> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        self.count(queue_url, &names).await
    }

    /// How many messages of a queue wait for their time.
    ///
    /// # Errors
    /// If the queue cannot be asked.
    pub async fn delayed_messages(&self, queue_url: &str) -> Result<u32, Error> {
        self.count(queue_url, &[QueueAttributeName::ApproximateNumberOfMessagesDelayed]).await
    }

    async fn count(&self, queue_url: &str, names: &[QueueAttributeName]) -> Result<u32, Error> {
        let asked = self.sqs.get_queue_attributes().queue_url(queue_url);
        let answer = asked.set_attribute_names(Some(names.to_vec())).send().await.map_err(told)?;
        Ok(answer.attributes.unwrap_or_default().values().filter_map(|number| number.parse::<u32>().ok()).sum())
    }

    /// How long a message waits before its delivery, in seconds.
    ///
    /// # Errors
    /// If the queue cannot be changed.
    pub async fn hold_back_for(&self, queue_url: &str, seconds: u32) -> Result<(), Error> {
        let change = self.sqs.set_queue_attributes().queue_url(queue_url);
        change.attributes(QueueAttributeName::DelaySeconds, seconds.to_string()).send().await.map_err(told)?;
        Ok(())
    }

    /// How long a message is hidden after its delivery, in seconds.
    ///
    /// # Errors
    /// If the queue cannot be changed.
    pub async fn hide_for(&self, queue_url: &str, seconds: u32) -> Result<(), Error> {
        let change = self.sqs.set_queue_attributes().queue_url(queue_url);
        change.attributes(QueueAttributeName::VisibilityTimeout, seconds.to_string()).send().await.map_err(told)?;
        Ok(())
    }

    /// Puts a message into a queue.
    ///
    /// # Errors
    /// If it is not taken.
    pub async fn send(&self, queue_url: &str, body: &str) -> Result<(), Error> {
        self.sqs.send_message().queue_url(queue_url).message_body(body).send().await.map_err(told)?;
        Ok(())
    }

    /// Sends the dead letters of a queue back to it: by hand, as MiniStack does not know `StartMessageMoveTask`.
    ///
    /// # Errors
    /// If there is none, or it cannot be moved.
    pub async fn redrive(&self, dead_letters_url: &str, queue_url: &str) -> Result<(), Error> {
        let messages = self.take(dead_letters_url).await?;
        if messages.is_empty() {
            return Err("no dead letter".into());
        }
        for message in messages {
            self.send(queue_url, &message).await?;
        }
        Ok(())
    }

    /// Takes messages out of a queue, at most ten.
    ///
    /// # Errors
    /// If it cannot be asked, or a message stays in it.
    pub async fn take(&self, queue_url: &str) -> Result<Vec<String>, Error> {
        let received = self.sqs.receive_message().queue_url(queue_url).max_number_of_messages(10);
        let messages = received.send().await.map_err(told)?.messages.unwrap_or_default();
        for message in &messages {
            let done = self.sqs.delete_message().queue_url(queue_url);
            done.receipt_handle(message.receipt_handle().unwrap_or_default()).send().await.map_err(told)?;
        }
        Ok(messages.into_iter().filter_map(|message| message.body).collect())
    }

    /// The URL of the queue whose name holds `part`.
    ///
    /// # Errors
    /// If there is none.
    pub async fn queue(&self, part: &str) -> Result<String, Error> {
        let urls = self.sqs.list_queues().send().await.map_err(told)?.queue_urls.unwrap_or_default();
        urls.into_iter().find(|url| url.contains(part)).ok_or_else(|| format!("no queue {part}").into())
    }
}

/// An error of AWS with its cause, which its own sentence leaves out.
fn told(error: impl std::error::Error) -> String {
    aws_sdk_sqs::error::DisplayErrorContext(error).to_string()
}
