//! `POST /onboardings/{id}/retry`: the operator retries a failed step.

use api::access::require_back_end;
use api::view::full_view;
use api::{Problem, json, onboarding_id, read, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::{Event, FailureCode, OnboardingId, Status};
use store::{StoreError, Stored};

use crate::Onboardings;
use crate::body::RetryBody;

impl Onboardings {
    /// The operator asks for another try of a failed step, with another client account if it was at fault.
    pub(crate) async fn retry(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let body = if read(request)?.is_empty() { RetryBody::default() } else { read_json(request)? };
        let replace_key = body.replace_key;
        if let Some(client) = body.check()? {
            self.operator_applies(&id, &Event::ClientCorrected { client }).await?;
        }
        let stored = self.operator_applies(&id, &Event::RetryRequested { replace_key }).await?;
        Ok(json(StatusCode::ACCEPTED, &full_view(&stored)?))
    }

    async fn operator_applies(&self, id: &OnboardingId, event: &Event) -> Result<Stored, Problem> {
        match self.store.apply(id, event).await {
            Ok(applied) => Ok(applied.into_stored()),
            Err(StoreError::NotFound) => Err(Problem::not_found()),
            Err(StoreError::Illegal(illegal)) if illegal.status == Status::Failed => {
                Err(self.refused(id, event).await?)
            }
            Err(StoreError::Illegal(_)) => Err(self.unless_erased(id, Problem::not_retryable()).await),
            Err(error) => Err(error.into()),
        }
    }

    /// Why an event does not apply to an onboarding that has failed.
    async fn refused(&self, id: &OnboardingId, event: &Event) -> Result<Problem, Problem> {
        let onboarding = self.store.get(id).await?.onboarding;
        if onboarding.erased_at.is_some() {
            return Ok(Problem::erased());
        }
        if let Event::ClientCorrected { .. } = event {
            let why = "can be given only where the client account, or the number under it, was refused";
            return Ok(Problem::invalid_field("client", why));
        }
        let has_key = |problem: &onboarding::Problem| problem.code == FailureCode::ChannelHasKey.as_str();
        Ok(if onboarding.number_lost_to.is_none() && onboarding.problem.as_ref().is_some_and(has_key) {
            let why = "must be true: the channel has an API key already, which a new one revokes";
            Problem::invalid_field("replace_key", why)
        } else {
            Problem::not_retryable()
        })
    }
}
