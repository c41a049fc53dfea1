//! `POST /onboardings/{id}/number`: the customer chooses one of several numbers.

use api::access::open_with_setup_token;
use api::view::setup_view;
use api::{Problem, json, onboarding_id, public_url, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::{Event, PhoneNumberId, Status};
use serde::Deserialize;
use store::StoreError;

use crate::Onboardings;

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
        let stored = open_with_setup_token(request, &id, &self.store, &*self.bundle, &self.clock).await?;
        let Choice { phone_number_id } = read_json(request)?;
        let phone_number_id: PhoneNumberId = phone_number_id
            .parse()
            .map_err(|error| Problem::invalid_field("phone_number_id", format!("is {error}")))?;
        let offered = stored.onboarding.numbers.iter().any(|offered| offered.number.id == phone_number_id);
        if stored.onboarding.signup_status() == Status::NumberChoice && !offered {
            return Err(Problem::invalid_field("phone_number_id", "must be one of the numbers to choose from"));
        }
        let stored = match self.store.apply(&id, &Event::NumberChosen { phone_number_id }).await {
            Ok(applied) => applied.into_stored(),
            Err(StoreError::NumberTaken) => return Err(Problem::number_taken()),
            Err(StoreError::Illegal(_)) => return Err(Problem::not_choosable()),
            Err(error) => return Err(error.into()),
        };
        let base = public_url(request, self.page.public_url.as_ref())?;
        Ok(json(StatusCode::ACCEPTED, &setup_view(&stored.onboarding, false, &self.signup, &base)))
    }
}
