//! The bundle's secret at Secrets Manager, kept in memory for a while.

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

use super::{BundleSecret, Secrets, SecretsError};

/// How long the credentials are used before they are read again.
const EXPIRY: Duration = Duration::minutes(5);
/// How long there is between two readings while there are credentials to use.
const PAUSE: Duration = Duration::seconds(30);

/// Reads the bundle's secret and remembers it. One for the process.
#[derive(Debug)]
pub struct CachedSecrets {
    client: Client,
    id: String,
    clock: Clock,
    /// Readings that have ended. Tells a caller who waited for the lock that somebody else has read meanwhile.
    readings: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bundle: Option<(Arc<BundleSecret>, OffsetDateTime)>,
    last: Option<(OffsetDateTime, Result<(), SecretsError>)>,
}

impl CachedSecrets {
    /// Reads the secret of this name or ARN, when it is first asked for.
    pub fn new(client: Client, id: String, clock: Clock) -> Self {
        Self { client, id, clock, readings: AtomicU64::new(0), state: Mutex::default() }
    }

    /// The credentials, read anew if they are older than `age`.
    async fn at_most(&self, age: Duration) -> Result<Arc<BundleSecret>, SecretsError> {
        let before = self.readings.load(Ordering::Acquire);
        // Held while reading: whoever comes meanwhile waits here and shares what was read.
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some((bundle, read_at)) = &state.bundle {
            let tried_at = state.last.as_ref().map_or(*read_at, |(at, _)| *at);
            if now - *read_at < age || now - tried_at < PAUSE {
                return Ok(Arc::clone(bundle));
            }
        } else if self.readings.load(Ordering::Acquire) != before
            && let Some((_, Err(error))) = &state.last
        {
            return Err(error.clone());
        }
        let read = self.read().await;
        self.readings.fetch_add(1, Ordering::Release);
        state.last = Some((now, read.as_ref().map(|_| ()).map_err(Clone::clone)));
        match (read, &state.bundle) {
            (Ok(bundle), _) => {
                let bundle = Arc::new(bundle);
                state.bundle = Some((Arc::clone(&bundle), now));
                Ok(bundle)
            }
            (Err(error), Some((earlier, read_at))) => {
                tracing::error!(%error, %read_at, "the bundle's secret could not be read again; the earlier one stays in use");
                Ok(Arc::clone(earlier))
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn read(&self) -> Result<BundleSecret, SecretsError> {
        let started = Instant::now();
        let answer = self.client.get_secret_value().secret_id(&self.id).send().await.map_err(|error| reason(&error));
        let (outcome, milliseconds) = (answer.as_ref().err().map_or("ok", String::as_str), milliseconds(started));
        tracing::info!(service = "secrets manager", route = "GetSecretValue", outcome, milliseconds, "call");
        let json = answer.map_err(SecretsError::Unavailable)?.secret_string.unwrap_or_default();
        Ok(BundleSecret::parse(&json)?)
    }
}

#[async_trait]
impl Secrets for CachedSecrets {
    async fn bundle(&self) -> Result<Arc<BundleSecret>, SecretsError> {
        self.at_most(EXPIRY).await
    }

    async fn refresh(&self) -> Result<Arc<BundleSecret>, SecretsError> {
        self.at_most(PAUSE).await
    }
}
