//! `GET /onboardings/{id}`: what the page needs, or the full record.

use api::access::{Access, is_one_more_click, open};
use api::view::{full_view_with_history, setup_view};
use api::{Problem, json, onboarding_id, public_url};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::Event;
use store::Stored;

use crate::Onboardings;

impl Onboardings {
    pub(crate) async fn show(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let (stored, access) = open(request, &id, &self.store, &*self.bundle, &self.clock).await?;
        match access {
            Access::BackEnd => self.shown(&stored).await,
            Access::Setup => {
                let base = public_url(request, self.page.public_url.as_ref())?;
                let stored = self.opened(stored).await;
                let one_more_click = is_one_more_click(&stored.onboarding, &self.store).await?;
                Ok(json(StatusCode::OK, &setup_view(&stored.onboarding, one_more_click, &self.signup, &base)))
            }
        }
    }

    /// The full record with its history.
    pub(crate) async fn shown(&self, stored: &Stored) -> Result<Response<Body>, Problem> {
        let id = &stored.onboarding.id;
        let (history, last_seen_at) = tokio::try_join!(self.store.history(id), self.store.page_last_seen(id))?;
        Ok(json(StatusCode::OK, &full_view_with_history(stored, &history, last_seen_at)?))
    }

    /// Notes that the customer looks at the page, and that they opened the setup link, the first time. They see the page also if
    /// it cannot be noted now.
    async fn opened(&self, stored: Stored) -> Stored {
        if let Err(error) = self.store.note_page_seen(&stored.onboarding.id).await {
            tracing::warn!(%error, "that the page was looked at is not noted");
        }
        if stored.onboarding.opened_at.is_some() {
            return stored;
        }
        match self.store.apply(&stored.onboarding.id, &Event::LinkOpened).await {
            Ok(applied) => applied.into_stored(),
            Err(error) => {
                tracing::warn!(%error, "that the link was opened is not noted");
                stored
            }
        }
    }
}
