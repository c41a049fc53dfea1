//! The start of a function on AWS.

use std::sync::Arc;

use exchange::Clock;
use secrets::{CachedSecrets, SecretsError};
use store::Store;

use crate::settings::{Env, Incomplete, SecretConfig, TableConfig};
use crate::{Dependencies, StartError, aws};

/// Starts a function: logging, its settings, its dependencies, and the connections that it will need. `read` reads the function's
/// own settings.
///
/// # Errors
/// [`StartError`], if a setting is missing or malformed, or the bundle's secret is not filled in.
pub async fn start<S>(read: impl FnOnce(&mut Env) -> Result<S, Incomplete>) -> Result<(Dependencies, S), StartError> {
    let (dependencies, settings) = build(read).await?;
    warm(&dependencies).await?;
    Ok((dependencies, settings))
}

/// [`start`] for a function that may not read the bundle's secret.
///
/// # Errors
/// [`StartError`], if a setting is missing or malformed.
pub async fn start_without_secret<S>(
    read: impl FnOnce(&mut Env) -> Result<S, Incomplete>,
) -> Result<(Dependencies, S), StartError> {
    let (dependencies, settings) = build(read).await?;
    if let Err(error) = dependencies.store.warm().await {
        tracing::warn!(%error, "table not reached at start");
    }
    Ok((dependencies, settings))
}

async fn build<S>(read: impl FnOnce(&mut Env) -> Result<S, Incomplete>) -> Result<(Dependencies, S), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let (table, secret, settings) = (TableConfig::read(&mut env), SecretConfig::read(&mut env), read(&mut env));
    let (table, secret, settings) = env.finish(|| Ok((table?, secret?, settings?)))?;

    let (http, clock) = (exchange::client()?, Clock::system());
    let sdk = aws::load(http.clone()).await;
    let secrets_manager = aws_sdk_secretsmanager::Client::new(&sdk);
    let dependencies = Dependencies::on_aws(
        Store::new(aws_sdk_dynamodb::Client::new(&sdk), table.name, clock.clone()),
        Arc::new(CachedSecrets::new(secrets_manager.clone(), secret.id, clock.clone())),
        #[cfg(feature = "dispatcher")]
        sdk,
        secrets_manager,
        http,
        clock,
    );
    Ok((dependencies, settings))
}

/// Fetches the bundle's secret and opens the connection to the table, at the same time, while INIT has a whole CPU. What is
/// only out of reach is left to the first invocation.
async fn warm(dependencies: &Dependencies) -> Result<(), StartError> {
    let (table, bundle) = tokio::join!(dependencies.store.warm(), dependencies.secrets.bundle());
    if let Err(error) = table {
        tracing::warn!(%error, "table not reached at start");
    }
    match bundle {
        Err(error @ SecretsError::Incomplete(_)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "secret not reached at start");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}
