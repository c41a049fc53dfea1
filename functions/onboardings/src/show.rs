//! `GET /onboardings/{id}`: what the page needs, or the full record.

use api::access::{Access, is_one_more_click, open};
use api::view::{full_view_with_history, setup_view};
use api::{Problem, json, onboarding_id, public_url};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};

use crate::Onboardings;

impl Onboardings {
    pub(crate) async fn show(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let (stored, access) = open(request, &id, &self.store, &*self.bundle, &self.clock).await?;
        match access {
            Access::BackEnd => {
                let history = self.store.history(&id).await?;
                Ok(json(StatusCode::OK, &full_view_with_history(&stored, &history)?))
            }
            Access::Setup => {
                let base = public_url(request, self.page.public_url.as_ref())?;
                let one_more_click = is_one_more_click(&stored.onboarding, &self.store).await?;
                Ok(json(StatusCode::OK, &setup_view(&stored.onboarding, one_more_click, &self.signup, &base)))
            }
        }
    }
}
