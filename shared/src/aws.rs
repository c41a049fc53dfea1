//! The AWS SDK: one configuration for all of its clients, with time-outs that fit into a function's.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one try of a call may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a call may take with its retries. Shorter than every function's timeout.
const CALL: Duration = Duration::from_secs(8);
/// Tries of one call, the first included.
const TRIES: u32 = 3;

/// Loads region, credentials and endpoints from the environment. Call once: the clients made from it share connections.
pub async fn load() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
        .load()
        .await
}

/// The client of the table.
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(config)
}

/// The client of the queues.
pub fn sqs(config: &SdkConfig) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(config)
}

/// The client of the vault and of the bundle's secret.
pub fn secrets_manager(config: &SdkConfig) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(config)
}

/// Why a call failed, for logs and errors: AWS's word for it, such as `ThrottlingException`, and never its sentence,
/// which names resources.
pub(crate) fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::TimeoutError(_) => "time-out".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "time-out".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ResponseError(_) => "unreadable answer".to_owned(),
        SdkError::ServiceError(_) => error.code().unwrap_or("unknown error").to_owned(),
        _ => "request could not be built".to_owned(),
    }
}
