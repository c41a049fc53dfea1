//! The AWS SDK: one configuration for all of its clients, with time-outs that fit into a function's.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// How long one try of a call may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a call may take with its retries. Shorter than every function's timeout.
const CALL: Duration = Duration::from_secs(8);
/// Tries of one call, the first included.
const TRIES: u32 = 3;

/// Loads region, credentials and endpoints from the environment. Call once: the clients made from it share connections.
/// `http` comes from [`crate::outbound::client`].
pub async fn load(http: reqwest::Client) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client(http))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
        .load()
        .await
}

/// The SDK's HTTP client: the one for everything.
pub fn http_client(http: reqwest::Client) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(http));
    http_client_fn(move |_, _| connector.clone())
}

/// Sends the SDK's requests with the client that everything else is sent with: its roots are compiled in, where the SDK's own
/// client reads the system's at each start.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = plain(request).map_err(ConnectorError::user)?;
            let response = http.execute(request).await.map_err(failure)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await.map_err(failure)?;
            let mut answer = HttpResponse::new(status.into(), body.into());
            *answer.headers_mut() = headers.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
            Ok(answer)
        })
    }
}

/// The SDK's request as the client takes it. None of our calls streams its body.
fn plain(request: HttpRequest) -> Result<reqwest::Request, Box<dyn std::error::Error + Send + Sync>> {
    let request = request.try_into_http1x()?;
    Ok(request.map(|body| body.bytes().unwrap_or_default().to_vec()).try_into()?)
}

/// What the SDK may try again.
fn failure(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
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
