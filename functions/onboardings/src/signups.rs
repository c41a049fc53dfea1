//! `GET /signups?state=unclaimed&cursor=&limit=`: a page of the signups that Meta reported and no onboarding has.

use api::access::require_back_end;
use api::view::rfc3339;
use api::{Problem, json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use onboarding::{BusinessId, OnboardingId};
use serde::Serialize;
use serde_json::json;
use store::{StoreError, UnclaimedSignup};

use crate::Onboardings;
use crate::query::{PAGE, Query, limit, wrong_cursor};

/// Every parameter of the query.
const PARAMETERS: [&str; 3] = ["state", "cursor", "limit"];
/// The only state in which signups are listed.
const UNCLAIMED: &str = "unclaimed";

/// One signup, as it is answered.
#[derive(Serialize)]
struct Shown<'a> {
    waba_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_id: Option<&'a str>,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_at: Option<String>,
    received_at: String,
    claimed_by: &'a [OnboardingId],
}

impl Onboardings {
    pub(crate) async fn signups(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let pairs = request.query_string_parameters_ref();
        let mut query = Query::read(pairs.into_iter().flat_map(|pairs| pairs.iter()), &PARAMETERS);
        if query.checked("state", state).is_none() && query.value("state").is_none() {
            query.wrong("state", "is missing");
        }
        let limit = query.checked("limit", limit).unwrap_or(PAGE);
        let cursor = query.value("cursor");
        query.finish()?;
        let page = match self.store.unclaimed_signups(cursor, limit).await {
            Err(StoreError::InvalidCursor) => return Err(wrong_cursor()),
            page => page?,
        };
        let signups: Vec<_> = page.signups.iter().map(|(signup, claims)| shown(signup, claims)).collect();
        Ok(json(StatusCode::OK, &json!({ "signups": signups, "next_cursor": page.cursor })))
    }
}

fn state(word: &str) -> Result<(), String> {
    if word == UNCLAIMED { Ok(()) } else { Err(format!("must be {UNCLAIMED}")) }
}

fn shown<'a>(signup: &'a UnclaimedSignup, claims: &'a [OnboardingId]) -> Shown<'a> {
    Shown {
        waba_id: signup.waba_id.as_str(),
        business_id: signup.business_id.as_ref().map(BusinessId::as_str),
        event: &signup.event,
        reported_at: signup.reported_at.map(rfc3339),
        received_at: rfc3339(signup.received_at),
        claimed_by: claims,
    }
}
