//! The AWS SDK: one configuration for all of its clients, with time-outs that fit into a function's.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// How long one try of a call may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a call may take with its retries. Shorter than every function's timeout.
const CALL: Duration = Duration::from_secs(8);
/// Tries of one call, the first included.
const TRIES: u32 = 3;

/// Loads region, credentials and endpoints from the environment. Call once: the clients made from it share connections.
/// `http` comes from [`exchange::client`].
pub async fn load(http: reqwest::Client) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(exchange::aws_sdk::http_client(http))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
        .load()
        .await
}
