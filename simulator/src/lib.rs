//! A fake Partner Hub, a fake Meta (Graph API and JavaScript SDK) and a fake messaging API on 127.0.0.1, with faults
//! to order. Written from what the platforms document, independently of our own clients, so that a
//! misunderstanding of ours shows.
//!
//! What can be ordered while it runs, and how, is in `README.md`.

mod control;
mod due;
mod faults;
mod half_surrogates;
mod hub;
mod layers;
mod ledger;
mod lists;
mod messaging;
mod meta;
mod outbound;
mod payload;
mod permissions;
mod platforms;
mod random;
mod receiver;
mod routes;
mod sdk;
mod serve;
mod settings;
mod state;
mod webhooks;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use hub::Uncounted;
use platforms::{App, Platforms};
pub use receiver::{Received, Receiver, Reply};
pub use serve::Unanswered;
pub use settings::{Around, Behavior, Clock, EmailFilter, NumberTaken, Payment, RateLimit, Settings, Shape, Signature};
use state::State;
pub use webhooks::EVENTS;

/// A running simulator. Dropped without [`Simulator::stop`], it ends with the runtime.
pub struct Simulator {
    app: App,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    effects: JoinHandle<()>,
}

impl Simulator {
    /// Starts to serve on 127.0.0.1.
    ///
    /// # Errors
    /// If the port is taken, or a webhook URL is not plain `http` on this machine.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        for url in [&settings.webhook_url, &settings.meta_webhook_url].into_iter().flatten() {
            outbound::local_url(url).map_err(invalid)?;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
        let address = listener.local_addr()?;
        let app = Arc::new(Platforms::new(settings, format!("http://{address}"))?);
        let fakes = Router::new()
            .nest("/hub/api/v2", hub::router(&app))
            .nest("/graph", meta::router(&app))
            .nest("/messaging", messaging::router(&app))
            .nest("/sdk", sdk::router(&app))
            .route("/permissions", get(permissions::page))
            .layer(from_fn(layers::let_half_surrogates_out))
            .layer(from_fn_with_state(app.clone(), layers::record))
            .with_state(app.clone());
        let fakes = match &app.settings.around {
            Some(around) => around(fakes),
            None => fakes,
        };
        let router = fakes.merge(control::router(app.clone()));
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve::serve(listener, router, stopped));
        let effects = tokio::spawn(due::run(app.clone()));
        Ok(Self { app, address, stop, server, effects })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base of the Partner Hub, as `https://hub.360dialog.io/api/v2`.
    pub fn hub_url(&self) -> String {
        format!("{}/hub/api/v2", self.app.origin)
    }

    /// Base of the Graph API, as `https://graph.facebook.com`; a version may follow.
    pub fn graph_url(&self) -> String {
        format!("{}/graph", self.app.origin)
    }

    /// The messaging API, handed out as `address` with every key, as `https://waba-v2.360dialog.io`.
    pub fn messaging_url(&self) -> String {
        self.app.messaging_url()
    }

    /// Base of the JavaScript SDK, as `https://connect.facebook.net`: the page loads `{sdk_url}/en_US/sdk.js`. Base of
    /// the full-page sign-in too, as `https://www.facebook.com`: `{sdk_url}/dialog/oauth`.
    pub fn sdk_url(&self) -> String {
        format!("{}/sdk", self.app.origin)
    }

    /// Where a client grants API-key permission, as `https://hub.360dialog.com/dashboard/app/{partner_id}/permissions`.
    pub fn permission_url(&self) -> String {
        format!("{}/permissions", self.app.origin)
    }

    /// The routes under `/simulator`, to be served elsewhere too.
    pub fn control_router(&self) -> Router {
        control::router(self.app.clone())
    }

    /// Sets where partner webhooks go from now on.
    ///
    /// # Errors
    /// If it is not plain `http` on this machine.
    pub fn set_webhook_url(&self, url: &str) -> io::Result<()> {
        outbound::local_url(url).map_err(invalid)?;
        self.app.state().webhook_url = Some(url.to_owned());
        Ok(())
    }

    /// Runs everything that is due by the clock and waits until it has happened: for tests that set the clock.
    pub async fn run_due(&self) {
        due::run_due(&self.app).await;
    }

    /// When the next thing happens by itself, for tests that set the clock: they can pass over the time in between.
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        self.app.state().effects.iter().map(|effect| effect.at).min()
    }

    /// Writes what the fakes know into a file. Orders that are still pending are not kept.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&*self.app.state())?;
        std::fs::write(path, text)
    }

    /// Takes over what [`Simulator::save`] wrote. Where webhooks go stays as it is, if it is set.
    ///
    /// # Errors
    /// If the file cannot be read or is not such a file. Nothing changes then.
    pub fn load(&self, path: &Path) -> io::Result<()> {
        let loaded: State = serde_json::from_slice(&std::fs::read(path)?)?;
        let mut state = self.app.state();
        let old = std::mem::replace(&mut *state, loaded);
        state.webhook_url = old.webhook_url.or(state.webhook_url.take());
        state.behavior = old.behavior;
        state.faults = old.faults;
        state.lists = old.lists;
        drop(state);
        self.app.wake.notify_one();
        Ok(())
    }

    /// Takes no more calls, lets those end that have begun, and the webhooks that are on their way.
    pub async fn stop(self) {
        self.effects.abort();
        let _ = self.stop.send(true);
        let _ = self.server.await;
        drop(self.app.running.write().await);
    }
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}
