//! What all handlers share: settings, state, and the means to let time pass.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::HOST;
use time::OffsetDateTime;
use tokio::sync::{Notify, RwLock};

use crate::random::Random;
use crate::settings::Settings;
use crate::state::State;

/// How handlers hold the platforms.
pub(crate) type App = Arc<Platforms>;

pub(crate) struct Platforms {
    pub(crate) settings: Settings,
    /// `http://127.0.0.1:<port>`.
    pub(crate) origin: String,
    pub(crate) random: Random,
    /// Told when an effect was added.
    pub(crate) wake: Notify,
    /// Read by whoever runs effects, so that whoever writes knows that none is running.
    pub(crate) running: Arc<RwLock<()>>,
    state: Mutex<State>,
}

impl Platforms {
    pub(crate) fn new(settings: Settings, origin: String) -> std::io::Result<Self> {
        let state = Mutex::new(State {
            webhook_url: settings.webhook_url.clone(),
            behavior: settings.behavior.clone(),
            ..State::default()
        });
        Ok(Self { settings, origin, random: Random::new()?, wake: Notify::new(), running: Arc::default(), state })
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.settings.clock)()
    }

    /// The state; held for moments, never while waiting.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything that happened. Settings are again as at the start, except where webhooks go.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        *state = State {
            webhook_url: state.webhook_url.take(),
            behavior: self.settings.behavior.clone(),
            ..State::default()
        };
    }

    pub(crate) fn messaging_url(&self) -> String {
        format!("{}/messaging", self.origin)
    }

    /// The same under the name by which the caller reaches this machine, which from a container is another.
    pub(crate) fn messaging_url_for(&self, headers: &HeaderMap) -> String {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        host.map_or_else(|| self.messaging_url(), |host| format!("http://{host}/messaging"))
    }
}
