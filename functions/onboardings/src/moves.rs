//! `POST /onboardings/{id}/number` and `POST /onboardings/{id}/retry`: what a person moves.

use api::access::{open_with_setup_token, require_back_end};
use api::view::{full_view, setup_view};
use api::{Problem, json, onboarding_id, public_url, read, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::{Event, OnboardingId, PhoneNumberId, Status};
use serde::Deserialize;
use store::{Applied, StoreError, Stored};

use crate::Onboardings;
use crate::start_body::RetryBody;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    phone_number_id: String,
}

impl Onboardings {
    /// The customer chooses one of the numbers of a WABA that has several.
    pub(crate) async fn choose_number(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let stored = open_with_setup_token(request, &id, &self.store, &*self.secrets, &self.clock).await?;
        let Choice { phone_number_id } = read_json(request)?;
        let phone_number_id: PhoneNumberId = phone_number_id
            .parse()
            .map_err(|error| Problem::invalid_field("phone_number_id", format!("is {error}")))?;
        let offered = stored.onboarding.numbers.iter().any(|number| number.id == phone_number_id);
        if stored.onboarding.signup_status() == Status::NumberChoice && !offered {
            return Err(Problem::invalid_field("phone_number_id", "must be one of the numbers to choose from"));
        }
        let stored = match self.store.apply(&id, &Event::NumberChosen { phone_number_id }).await {
            Ok(Applied::Changed(stored)) => {
                self.send_on(&stored.onboarding).await;
                stored
            }
            Ok(Applied::Unchanged(stored)) => stored,
            Err(StoreError::NumberTaken) => return Err(Problem::number_taken()),
            Err(StoreError::Illegal(_)) => return Err(Problem::not_choosable()),
            Err(error) => return Err(error.into()),
        };
        let base = public_url(request, self.page.public_url.as_ref())?;
        Ok(json(StatusCode::ACCEPTED, &setup_view(&stored.onboarding, &self.signup, &base)))
    }

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
        self.send_on(&stored.onboarding).await;
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
