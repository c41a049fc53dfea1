//! `GET /onboardings?status=&reference=&cursor=&limit=`: a page of full records without their histories, by one filter.

use std::collections::BTreeMap;

use api::access::require_back_end;
use api::view::full_view;
use api::{FieldError, Problem, json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use onboarding::Status;
use serde_json::{Value, json};
use store::{ListFilter, StoreError};

use crate::Onboardings;
use crate::start_body::REFERENCE;

/// Every parameter of the query.
const PARAMETERS: [&str; 4] = ["status", "reference", "cursor", "limit"];
/// Those of them that choose what is listed. Each has an index of its own, and no index holds two.
const FILTERS: [&str; 2] = ["status", "reference"];
/// Onboardings on a page, unless `limit` says otherwise.
const PAGE: u32 = 50;
/// The highest `limit`.
const LONGEST_PAGE: u32 = 100;

impl Onboardings {
    pub(crate) async fn list(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.secrets).await?;
        let query = request.query_string_parameters_ref();
        let ListQuery { filter, cursor, limit } = ListQuery::read(query.into_iter().flat_map(|query| query.iter()))?;
        let page = match self.store.list(&filter, cursor, limit).await {
            Err(StoreError::InvalidCursor) => {
                let message = "must be the next_cursor of an earlier page of the same list";
                return Err(Problem::invalid_field("cursor", message));
            }
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
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: String| errors.push(FieldError { field: field.to_owned(), message });
        let mut given: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in pairs {
            given.entry(name).or_default().push(value);
        }
        for (name, values) in &given {
            if !PARAMETERS.contains(name) {
                wrong(name, format!("is unknown; expected one of {}", PARAMETERS.join(", ")));
            } else if values.len() > 1 {
                wrong(name, "must be given once".to_owned());
            }
        }
        let value = |name| given.get(name).and_then(|values| values.first().copied()).filter(|value| !value.is_empty());
        let mut checked = |name, check: fn(&str) -> Result<ListFilter, String>| {
            let checked = value(name).map(check).transpose();
            checked.unwrap_or_else(|message| {
                wrong(name, message);
                None
            })
        };
        let filters = [checked("status", status), checked("reference", reference)];
        let limit = value("limit").map_or(Ok(PAGE), limit).unwrap_or_else(|message| {
            wrong("limit", message);
            PAGE
        });
        if !errors.is_empty() {
            return Err(Problem::invalid_fields(errors));
        }
        let mut chosen = filters.into_iter().flatten();
        match (chosen.next(), chosen.next()) {
            (filter, None) => Ok(Self { filter: filter.unwrap_or_default(), cursor: value("cursor"), limit }),
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

fn limit(text: &str) -> Result<u32, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = text.parse().ok().filter(|limit| digits && (1..=LONGEST_PAGE).contains(limit));
    limit.ok_or_else(|| format!("must be a number from 1 to {LONGEST_PAGE}"))
}
