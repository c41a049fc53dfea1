//! Starts, shows and lists onboardings, takes the choice of a number and retries.
//!
//! `POST` and `GET /onboardings`, `GET /onboardings/{id}`, `POST /onboardings/{id}/number`, `POST /onboardings/{id}/retry`; and
//! `GET /signups`, those that Meta reported and no onboarding has; `GET /events`, `POST /events/replay` and `POST /events/test`.

mod choose_number;
mod events;
mod list;
mod query;
mod retry;
mod show;
mod signups;
mod start;
mod start_body;

use std::sync::Arc;

use api::view::SignupSettings;
use api::{Handler, Problem, respond, route};
use async_trait::async_trait;
use exchange::Clock;
use lambda_http::{Body, Request, Response};
use runtime::Dependencies;
use runtime::settings::{Env, Incomplete, MetaConfig, PageConfig};
use secrets::{BundleSecret, Secret};
use store::Store;

/// The function's settings.
pub struct Settings {
    page: PageConfig,
    meta: MetaConfig,
}

/// Answers the requests that start, show, list, continue and retry onboardings.
#[derive(Clone)]
pub struct Onboardings {
    store: Store,
    /// For the back-end token.
    bundle: Arc<dyn Secret<BundleSecret>>,
    page: PageConfig,
    /// For setup views.
    signup: SignupSettings,
    clock: Clock,
}

impl Settings {
    /// Reads them.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let (page, meta) = (PageConfig::read(env), MetaConfig::read(env));
        Ok(Self { page: page?, meta: meta? })
    }
}

#[async_trait]
impl Handler for Onboardings {
    async fn handle(&self, request: Request) -> Response<Body> {
        respond(&request, self.route(&request)).await
    }
}

impl Onboardings {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: Settings) -> Self {
        let Settings { page, meta } = settings;
        Self {
            store: dependencies.store.clone(),
            bundle: Arc::clone(&dependencies.bundle),
            signup: page.signup_settings(&meta),
            page,
            clock: dependencies.clock.clone(),
        }
    }

    async fn route(&self, request: &Request) -> Result<Response<Body>, Problem> {
        match route(request) {
            ("POST", "/onboardings") => self.start(request).await,
            ("GET", "/onboardings") => self.list(request).await,
            ("GET", "/onboardings/{id}") => self.show(request).await,
            ("POST", "/onboardings/{id}/number") => self.choose_number(request).await,
            ("POST", "/onboardings/{id}/retry") => self.retry(request).await,
            ("GET", "/signups") => self.signups(request).await,
            ("GET", "/events") => self.events(request).await,
            ("POST", "/events/replay") => self.replay_events(request).await,
            ("POST", "/events/test") => self.test_event(request).await,
            _ => Err(Problem::not_found()),
        }
    }
}
