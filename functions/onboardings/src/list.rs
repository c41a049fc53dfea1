//! `GET /onboardings?status=&reference=&cursor=`: a page of full records, newest first, without their histories.

use api::access::require_back_end;
use api::view::full_view;
use api::{Problem, json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use onboarding::Status;
use serde_json::{Value, json};
use store::{ListFilter, StoreError};

use crate::Onboardings;
use crate::start_body::REFERENCE;

/// Onboardings on a page.
const PAGE: u32 = 50;

impl Onboardings {
    pub(crate) async fn list(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.secrets).await?;
        let query = request.query_string_parameters_ref();
        let parameter = |name| query.and_then(|query| query.first(name)).filter(|value| !value.is_empty());
        let filter = ListFilter {
            status: parameter("status").map(status).transpose()?,
            reference: parameter("reference").map(reference).transpose()?,
        };
        let page = match self.store.list(&filter, parameter("cursor"), PAGE).await {
            Err(StoreError::InvalidCursor) => {
                return Err(Problem::invalid_field("cursor", "must be the next_cursor of an earlier page"));
            }
            page => page?,
        };
        let onboardings: Vec<Value> = page.onboardings.iter().map(full_view).collect::<Result<_, _>>()?;
        Ok(json(StatusCode::OK, &json!({ "onboardings": onboardings, "next_cursor": page.cursor })))
    }
}

/// A longer one was never taken, and one that is far longer is no key of the table.
fn reference(text: &str) -> Result<String, Problem> {
    if text.chars().count() > REFERENCE {
        return Err(Problem::invalid_field("reference", format!("must be at most {REFERENCE} characters")));
    }
    Ok(text.to_owned())
}

fn status(word: &str) -> Result<Status, Problem> {
    Status::ALL.iter().copied().find(|status| status.as_str() == word).ok_or_else(|| {
        let words: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        Problem::invalid_field("status", format!("must be one of {}", words.join(", ")))
    })
}
