//! A secret at Secrets Manager, kept in memory for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use exchange::Clock;
use telemetry::milliseconds;
use telemetry::reason;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::{IncompleteSecret, Secret, SecretError};

/// How long a secret is used before it is read again.
const EXPIRY: Duration = Duration::minutes(5);
/// How long there is between two readings while there is a value to use.
const PAUSE: Duration = Duration::seconds(30);

/// Reads a secret and remembers it. One for the process.
#[derive(Debug)]
pub struct CachedSecret<T> {
    client: Client,
    id: String,
    parse: fn(&str) -> Result<T, IncompleteSecret>,
    clock: Clock,
    /// Readings that have ended. Tells a caller who waited for the lock that somebody else has read meanwhile.
    readings: AtomicU64,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    value: Option<(Arc<T>, OffsetDateTime)>,
    last: Option<(OffsetDateTime, Result<(), SecretError>)>,
}

impl<T> CachedSecret<T> {
    /// Reads the secret of this name or ARN when it is first asked for, and its value with `parse`.
    pub fn new(client: Client, id: String, parse: fn(&str) -> Result<T, IncompleteSecret>, clock: Clock) -> Self {
        let state = State { value: None, last: None };
        Self { client, id, parse, clock, readings: AtomicU64::new(0), state: Mutex::new(state) }
    }

    /// The value, read anew if it is older than `age`.
    async fn at_most(&self, age: Duration) -> Result<Arc<T>, SecretError> {
        let before = self.readings.load(Ordering::Acquire);
        // Held while reading: whoever comes meanwhile waits here and shares what was read.
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some((value, read_at)) = &state.value {
            let tried_at = state.last.as_ref().map_or(*read_at, |(at, _)| *at);
            if now - *read_at < age || now - tried_at < PAUSE {
                return Ok(Arc::clone(value));
            }
        } else if self.readings.load(Ordering::Acquire) != before
            && let Some((_, Err(error))) = &state.last
        {
            return Err(error.clone());
        }
        let read = self.read().await;
        self.readings.fetch_add(1, Ordering::Release);
        state.last = Some((now, read.as_ref().map(|_| ()).map_err(Clone::clone)));
        match (read, &state.value) {
            (Ok(value), _) => {
                let value = Arc::new(value);
                state.value = Some((Arc::clone(&value), now));
                Ok(value)
            }
            (Err(error), Some((earlier, read_at))) => {
                tracing::error!(%error, %read_at, secret = self.id, "a secret could not be read again; the earlier value stays in use");
                Ok(Arc::clone(earlier))
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn read(&self) -> Result<T, SecretError> {
        let started = Instant::now();
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await.map_err(|error| reason(&error));
        let (outcome, milliseconds) = (answer.as_ref().err().map_or("ok", String::as_str), milliseconds(started));
        tracing::info!(service = "secrets manager", route = "GetSecretValue", outcome, milliseconds, "call");
        let json = answer.map_err(SecretError::Unavailable)?.secret_string.unwrap_or_default();
        Ok((self.parse)(&json)?)
    }
}

#[async_trait]
impl<T: Send + Sync> Secret<T> for CachedSecret<T> {
    async fn value(&self) -> Result<Arc<T>, SecretError> {
        self.at_most(EXPIRY).await
    }

    async fn refresh(&self) -> Result<Arc<T>, SecretError> {
        self.at_most(PAUSE).await
    }
}
