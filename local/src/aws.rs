//! AWS, as far as the functions use it: the embedded DynamoDB, and SQS, EventBridge and Secrets Manager in front of the twins
//! of queue, event bus and vault. For functions that do not run in this process, at `AWS_ENDPOINT_URL`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use event_bus::{BusEvent, EventBus};
use onboarding::ChannelId;
use queue::{Queue, QueueName, Task};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use vault::{SecretValue, Vault};

use crate::Error;
use crate::functions::Twins;
use crate::settings::SecretValues;

/// Name of the edge's secret.
pub(crate) const BUNDLE: &str = "local/bundle";
/// Name of the workers' secret.
pub(crate) const WORKER: &str = "local/worker";
/// Name of the secret with the sealing keys.
pub(crate) const SEALING: &str = "local/sealing-key";
/// Name of the secret with the keys of headers.
pub(crate) const HEADER_KEY: &str = "local/header-key";
/// What the names of the keys' secrets begin with.
pub(crate) const VAULT: &str = "local";
/// Tells service and operation.
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// Behind the endpoint.
struct Aws {
    http: reqwest::Client,
    dynamodb: String,
    twins: Twins,
    secrets: SecretValues,
}

/// The endpoint. `dynamodb` is where the embedded one listens, `secrets` the values of the secrets.
pub(crate) fn router(dynamodb: String, twins: Twins, secrets: SecretValues) -> Result<Router, Error> {
    let aws = Aws { http: exchange::client()?, dynamodb, twins, secrets };
    Ok(Router::new().route("/", post(call)).with_state(Arc::new(aws)))
}

async fn call(State(aws): State<Arc<Aws>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    if target.starts_with("DynamoDB_") {
        return match aws.dynamodb(headers, body).await {
            Ok(answer) => answer,
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        };
    }
    match aws.operation(&target, &body).await {
        Ok(answer) => Json(answer).into_response(),
        Err(ServiceError(status, word)) => (status, Json(json!({ "__type": word, "message": word }))).into_response(),
    }
}

/// An error as AWS answers it: the status and the `__type`.
struct ServiceError(StatusCode, &'static str);

const INVALID: ServiceError = ServiceError(StatusCode::BAD_REQUEST, "InvalidParameterException");
const NOT_FOUND: ServiceError = ServiceError(StatusCode::BAD_REQUEST, "ResourceNotFoundException");
const BROKEN: ServiceError = ServiceError(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceError");

impl Aws {
    /// Passes a call on to the embedded DynamoDB.
    async fn dynamodb(&self, mut headers: HeaderMap, body: Bytes) -> Result<Response, reqwest::Error> {
        headers.remove("host");
        let answer = self.http.post(&self.dynamodb).headers(headers).body(body).send().await?;
        let status = answer.status();
        let content_type = answer.headers().get(CONTENT_TYPE).cloned();
        let mut response = (status, answer.bytes().await?).into_response();
        if let Some(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        Ok(response)
    }

    async fn operation(&self, target: &str, body: &[u8]) -> Result<Value, ServiceError> {
        let input: Value = serde_json::from_slice(body).map_err(|_| INVALID)?;
        let text = |name: &str| input[name].as_str().ok_or(INVALID);
        match target {
            "AmazonSQS.SendMessage" => self.send(text("QueueUrl")?, text("MessageBody")?).await,
            "AWSEvents.PutEvents" => self.put_events(&input["Entries"]).await,
            "secretsmanager.GetSecretValue" => self.secret(text("SecretId")?).await,
            "secretsmanager.CreateSecret" => {
                let name = text("Name")?;
                match self.secret(name).await {
                    Ok(_) => Err(ServiceError(StatusCode::BAD_REQUEST, "ResourceExistsException")),
                    Err(_) => self.keep(name, text("SecretString")?).await,
                }
            }
            "secretsmanager.PutSecretValue" => {
                let name = text("SecretId")?;
                self.secret(name).await?;
                self.keep(name, text("SecretString")?).await
            }
            "secretsmanager.DeleteSecret" => {
                let name = text("SecretId")?;
                self.secret(name).await?;
                self.twins.vault.delete(&channel(name)?).await.map_err(|_| BROKEN)?;
                Ok(json!({ "Name": name, "ARN": name }))
            }
            _ => Err(ServiceError(StatusCode::BAD_REQUEST, "UnknownOperationException")),
        }
    }

    async fn send(&self, url: &str, body: &str) -> Result<Value, ServiceError> {
        let name = url.rsplit('/').next();
        let queue = QueueName::all().find(|queue| Some(queue.as_str()) == name).ok_or(NOT_FOUND)?;
        let task = Task::from_body(body).map_err(|_| INVALID)?;
        self.twins.queue.send(queue, &task).await.map_err(|_| BROKEN)?;
        Ok(json!({ "MessageId": uuid::Uuid::new_v4().to_string() }))
    }

    async fn put_events(&self, entries: &Value) -> Result<Value, ServiceError> {
        let mut ids = Vec::new();
        for entry in entries.as_array().ok_or(INVALID)? {
            let text = |name: &str| entry[name].as_str().map(str::to_owned).ok_or(INVALID);
            let at = entry["Time"].as_f64().ok_or(INVALID)?;
            let at = OffsetDateTime::UNIX_EPOCH.checked_add(Duration::seconds_f64(at)).ok_or(INVALID)?;
            let event = BusEvent { detail_type: text("DetailType")?, detail: text("Detail")?, at };
            self.twins.bus.put(&event).await.map_err(|_| BROKEN)?;
            ids.push(json!({ "EventId": uuid::Uuid::new_v4().to_string() }));
        }
        Ok(json!({ "FailedEntryCount": 0, "Entries": ids }))
    }

    #[expect(clippy::disallowed_methods, reason = "plays Secrets Manager")]
    async fn secret(&self, name: &str) -> Result<Value, ServiceError> {
        let SecretValues { bundle, worker, sealing, header_keys } = &self.secrets;
        let value = match name {
            BUNDLE => Some(bundle),
            WORKER => Some(worker),
            SEALING => Some(sealing),
            HEADER_KEY => Some(header_keys),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(json!({ "Name": name, "ARN": name, "SecretString": value.expose_secret() }));
        }
        let channel_id = channel(name)?;
        let (key, stored) = self.twins.vault.find(&channel_id).await.map_err(|_| BROKEN)?.ok_or(NOT_FOUND)?;
        let value = serde_json::to_string(&SecretValue::new(&channel_id, &key)).map_err(|_| BROKEN)?;
        Ok(json!({ "Name": name, "ARN": stored.secret_arn, "SecretString": value }))
    }

    async fn keep(&self, name: &str, value: &str) -> Result<Value, ServiceError> {
        let value: SecretValue = serde_json::from_str(value).map_err(|_| INVALID)?;
        let (channel_id, key) = value.into_key();
        if channel(name)? != channel_id {
            return Err(INVALID);
        }
        let stored = self.twins.vault.store(&channel_id, &key).await.map_err(|_| BROKEN)?;
        Ok(json!({ "Name": name, "ARN": stored.secret_arn }))
    }
}

/// The channel whose key has its secret under this name.
fn channel(name: &str) -> Result<ChannelId, ServiceError> {
    let id = name.strip_prefix(VAULT).and_then(|rest| rest.strip_prefix("/channels/")?.strip_suffix("/api-key"));
    id.and_then(|id| id.parse().ok()).ok_or(NOT_FOUND)
}
