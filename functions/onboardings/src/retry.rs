//! `POST /onboardings/{id}/retry`: the operator retries a failed step.

use api::access::require_back_end;
use api::view::full_view;
use api::{Problem, json, onboarding_id, read, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::{Event, OnboardingId, Status};
use store::{StoreError, Stored};

use crate::Onboardings;
use crate::start_body::RetryBody;

impl Onboardings {
    /// The operator asks for another try of a failed step, with another client account if it was at fault.
    pub(crate) async fn retry(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.secrets).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let body = if read(request)?.is_empty() { RetryBody::default() } else { read_json(request)? };
        if let Some(client) = body.check()? {
            self.operator_applies(&id, &Event::ClientCorrected { client }).await?;
        }
        let stored = self.operator_applies(&id, &Event::RetryRequested).await?;
        Ok(json(StatusCode::ACCEPTED, &full_view(&stored)?))
    }

    async fn operator_applies(&self, id: &OnboardingId, event: &Event) -> Result<Stored, Problem> {
        match self.store.apply(id, event).await {
            Ok(applied) => Ok(applied.into_stored()),
            Err(StoreError::NotFound) => Err(Problem::not_found()),
            // It failed, but not at this.
            Err(StoreError::Illegal(illegal)) if illegal.status == Status::Failed => Err(Problem::invalid_field(
                "client",
                "can be given only where the client account, or the number under it, was refused",
            )),
            Err(StoreError::Illegal(_)) => Err(Problem::not_retryable()),
            Err(error) => Err(error.into()),
        }
    }
}
