//! The start of a function on AWS.

use exchange::Clock;
use secrets::{Secret, SecretError};
use store::{Store, StoreError};

use crate::settings::{Env, Incomplete, SecretsConfig, TableConfig};
use crate::{Dependencies, StartError, aws};

/// Starts a function that customers, webhooks or the partner's server reach, or that calls Meta: logging, its settings, its
/// dependencies, and the connections that it will need, the edge's secret among them. `read` reads the function's own
/// settings.
///
/// # Errors
/// [`StartError`], if a setting is missing or malformed, or the edge's secret is not filled in.
pub async fn start_edge<S>(
    read: impl FnOnce(&mut Env) -> Result<S, Incomplete>,
) -> Result<(Dependencies, S), StartError> {
    let (dependencies, settings) = build(read).await?;
    warm(&dependencies.store, &*dependencies.bundle).await?;
    Ok((dependencies, settings))
}

/// [`start_edge`] for a worker, which calls the Hub and reads the workers' secret.
///
/// # Errors
/// [`StartError`], if a setting is missing or malformed, or the workers' secret is not filled in.
pub async fn start_worker<S>(
    read: impl FnOnce(&mut Env) -> Result<S, Incomplete>,
) -> Result<(Dependencies, S), StartError> {
    let (dependencies, settings) = build(read).await?;
    warm(&dependencies.store, &*dependencies.worker).await?;
    Ok((dependencies, settings))
}

/// [`start_edge`] for a function that may read no secret.
///
/// # Errors
/// [`StartError`], if a setting is missing or malformed.
pub async fn start_without_secret<S>(
    read: impl FnOnce(&mut Env) -> Result<S, Incomplete>,
) -> Result<(Dependencies, S), StartError> {
    let (dependencies, settings) = build(read).await?;
    reached(dependencies.store.warm().await);
    Ok((dependencies, settings))
}

async fn build<S>(read: impl FnOnce(&mut Env) -> Result<S, Incomplete>) -> Result<(Dependencies, S), StartError> {
    telemetry::init();
    let mut env = Env::system();
    let (table, secrets, settings) = (TableConfig::read(&mut env), SecretsConfig::read(&mut env), read(&mut env));
    let (table, secrets, settings) = env.finish(|| Ok((table?, secrets?, settings?)))?;

    let (http, clock) = (exchange::client()?, Clock::system());
    let sdk = aws::load(http.clone()).await;
    let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), table.name, clock.clone());
    Ok((Dependencies::on_aws(store, sdk, secrets, http, clock), settings))
}

/// Fetches a secret and opens the connection to the table, at the same time, while INIT has a whole CPU. What is only out of
/// reach is left to the first invocation.
async fn warm<T>(store: &Store, secret: &dyn Secret<T>) -> Result<(), StartError> {
    let (table, secret) = tokio::join!(store.warm(), secret.value());
    reached(table);
    match secret {
        Err(error @ SecretError::Incomplete(_)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "secret not reached at start");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

fn reached(table: Result<(), StoreError>) {
    if let Err(error) = table {
        tracing::warn!(%error, "table not reached at start");
    }
}
