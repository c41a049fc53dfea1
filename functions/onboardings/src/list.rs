//! `GET /onboardings?status=&reference=&cursor=&limit=`: a page of full records without their histories, by one filter.

use api::access::require_back_end;
use api::view::full_view;
use api::{Problem, json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use onboarding::Status;
use serde_json::{Value, json};
use store::{ListFilter, StoreError};

use crate::Onboardings;
use crate::body::REFERENCE;
use crate::query::{PAGE, Query, limit, wrong_cursor};

/// Every parameter of the query.
const PARAMETERS: [&str; 4] = ["status", "reference", "cursor", "limit"];
/// Those of them that choose what is listed. Each has an index of its own, and no index holds two.
const FILTERS: [&str; 2] = ["status", "reference"];

impl Onboardings {
    pub(crate) async fn list(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let query = request.query_string_parameters_ref();
        let ListQuery { filter, cursor, limit } = ListQuery::read(query.into_iter().flat_map(|query| query.iter()))?;
        let page = match self.store.list(&filter, cursor, limit).await {
            Err(StoreError::InvalidCursor) => return Err(wrong_cursor()),
            page => page?,
        };
        let onboardings: Vec<Value> = page.onboardings.iter().map(full_view).collect::<Result<_, _>>()?;
        Ok(json(StatusCode::OK, &json!({ "onboardings": onboardings, "next_cursor": page.cursor })))
    }
}

/// The query, checked. A parameter without a value counts as not given.
#[derive(Debug, PartialEq, Eq)]
struct ListQuery<'a> {
    filter: ListFilter,
    cursor: Option<&'a str>,
    limit: u32,
}

impl<'a> ListQuery<'a> {
    /// Checks every parameter, so that the answer names all that is wrong.
    fn read(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Problem> {
        let mut query = Query::read(pairs, &PARAMETERS);
        let filters = [query.checked("status", status), query.checked("reference", reference)];
        let limit = query.checked("limit", limit).unwrap_or(PAGE);
        let cursor = query.value("cursor");
        query.finish()?;
        let mut chosen = filters.into_iter().flatten();
        match (chosen.next(), chosen.next()) {
            (filter, None) => Ok(Self { filter: filter.unwrap_or_default(), cursor, limit }),
            _ => Err(Problem::unsupported_filter(&FILTERS)),
        }
    }
}

/// A longer one was never taken, and one that is far longer is no key of the table.
fn reference(text: &str) -> Result<ListFilter, String> {
    if text.chars().count() > REFERENCE {
        return Err(format!("must be at most {REFERENCE} characters"));
    }
    Ok(ListFilter::Reference(text.to_owned()))
}

fn status(word: &str) -> Result<ListFilter, String> {
    let status = Status::ALL.iter().copied().find(|status| status.as_str() == word);
    status.map(ListFilter::Status).ok_or_else(|| {
        let words: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        format!("must be one of {}", words.join(", "))
    })
}
