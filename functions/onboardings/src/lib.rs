//! Starts, shows and lists onboardings, takes the choice of a number and retries.
//!
//! `POST` and `GET /onboardings`, `GET /onboardings/{id}`, `POST /onboardings/{id}/number`, `POST /onboardings/{id}/retry`.

mod list;
mod moves;
mod show;
mod start;
mod start_body;

use std::sync::Arc;

use async_trait::async_trait;
use lambda_http::{Body, Request, Response};
use shared::clock::Clock;
use shared::config::{MetaConfig, PageConfig};
use shared::http::{Handler, Problem, respond, route};
use shared::onboarding::Onboarding;
use shared::queue::Queue;
use shared::secrets::Secrets;
use shared::steps::send_on;
use shared::store::Store;

/// The function.
#[derive(Clone)]
pub struct Onboardings {
    /// The table.
    pub store: Store,
    /// Where a new or moved onboarding goes on.
    pub queue: Arc<dyn Queue>,
    /// The back-end token.
    pub secrets: Arc<dyn Secrets>,
    /// Of the page.
    pub page: PageConfig,
    /// Of Meta's app.
    pub meta: MetaConfig,
    /// The time.
    pub clock: Clock,
}

#[async_trait]
impl Handler for Onboardings {
    async fn handle(&self, request: Request) -> Response<Body> {
        respond(&request, self.route(&request)).await
    }
}

impl Onboardings {
    async fn route(&self, request: &Request) -> Result<Response<Body>, Problem> {
        match route(request) {
            ("POST", "/onboardings") => self.start(request).await,
            ("GET", "/onboardings") => self.list(request).await,
            ("GET", "/onboardings/{id}") => self.show(request).await,
            ("POST", "/onboardings/{id}/number") => self.choose_number(request).await,
            ("POST", "/onboardings/{id}/retry") => self.retry(request).await,
            _ => Err(Problem::not_found()),
        }
    }

    /// The record is written already, so that a queue out of reach loses nothing: reconciliation sends it again.
    async fn send_on(&self, onboarding: &Onboarding) {
        if let Err(error) = send_on(&*self.queue, onboarding).await {
            tracing::warn!(%error, "not queued; reconciliation will");
        }
    }
}
