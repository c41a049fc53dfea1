//! `POST /onboardings/{id}/claim`: the partner says whose an unclaimed signup is.

use api::access::require_back_end;
use api::view::full_view;
use api::{FieldError, Problem, json, onboarding_id, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Deserialize;
use workflow::steps::PartnerClaim;

use crate::{EsCallback, deadline, problem};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimBody {
    waba_id: String,
    phone_number_id: String,
}

impl ClaimBody {
    /// Checks both ids, so that the answer names all that is wrong.
    fn check(&self) -> Result<PartnerClaim, Problem> {
        let wrong = |field: &str, error: &dyn std::fmt::Display| FieldError {
            field: field.to_owned(),
            message: format!("is {error}"),
        };
        match (self.waba_id.parse(), self.phone_number_id.parse()) {
            (Ok(waba_id), Ok(phone_number_id)) => Ok(PartnerClaim { waba_id, phone_number_id }),
            (waba_id, phone_number_id) => {
                let waba_id = waba_id.err().map(|error| wrong("waba_id", &error));
                let number = phone_number_id.err().map(|error| wrong("phone_number_id", &error));
                Err(Problem::invalid_fields(waba_id.into_iter().chain(number).collect()))
            }
        }
    }
}

impl EsCallback {
    pub(crate) async fn claim(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.step.bundle).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let stored = self.step.store.get(&id).await?;
        let claim = read_json::<ClaimBody>(request)?.check()?;
        let stored = Box::pin(self.step.claim(stored, &claim, deadline(request))).await.map_err(problem)?;
        Ok(json(StatusCode::OK, &full_view(&stored)?))
    }
}
