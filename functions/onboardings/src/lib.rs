//! Starts, shows and lists onboardings, takes the choice of a number, and what the partner wants of one.
//!
//! `POST` and `GET /onboardings`, `GET` and `DELETE /onboardings/{id}`, `POST /onboardings/{id}/number`; `…/retry`, `…/link`,
//! `…/cancel`, `…/disconnect`, `…/reconnect`, `…/rotate-key` and `…/export`; `GET /signups`, those that Meta reported and no
//! onboarding has; `POST /imports` and `GET /imports/{id}`; `GET /events`, `POST /events/replay` and `POST /events/test`.

mod body;
mod choose_number;
mod erase;
mod events;
mod export;
mod imports;
mod link;
mod list;
mod orders;
mod query;
mod retry;
mod show;
mod signups;
mod start;

use std::sync::Arc;

use api::view::SignupSettings;
use api::{Handler, Problem, respond, route};
use async_trait::async_trait;
use exchange::Clock;
use lambda_http::{Body, Request, Response};
use runtime::Dependencies;
use runtime::settings::{Env, Incomplete, MetaConfig, PageConfig};
use secrets::{BundleSecret, HeaderKeys, Secret};
use store::Store;

use orders::Order;

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
    /// For the headers of message webhooks.
    header_keys: Arc<dyn Secret<HeaderKeys>>,
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
            header_keys: Arc::clone(&dependencies.header_keys),
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
            ("POST", "/onboardings/{id}/link") => self.renew_link(request).await,
            ("DELETE", "/onboardings/{id}/link") => self.revoke_link(request).await,
            ("POST", "/onboardings/{id}/cancel") => self.order(request, Order::Cancel).await,
            ("POST", "/onboardings/{id}/disconnect") => self.order(request, Order::Disconnect).await,
            ("POST", "/onboardings/{id}/reconnect") => self.order(request, Order::Reconnect).await,
            ("POST", "/onboardings/{id}/rotate-key") => self.order(request, Order::RotateKey).await,
            ("GET", "/onboardings/{id}/export") => self.export(request).await,
            ("DELETE", "/onboardings/{id}") => self.erase(request).await,
            ("GET", "/signups") => self.signups(request).await,
            ("POST", "/imports") => self.start_import(request).await,
            ("GET", "/imports/{id}") => self.show_import(request).await,
            ("GET", "/events") => self.events(request).await,
            ("POST", "/events/replay") => self.replay_events(request).await,
            ("POST", "/events/test") => self.test_event(request).await,
            _ => Err(Problem::not_found()),
        }
    }
}
