//! `GET /onboardings`: a page of full records without their histories, by one filter, with `cursor` and `limit`.

use std::fmt::Display;
use std::str::FromStr;

use api::access::require_back_end;
use api::view::full_view;
use api::{Problem, json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use onboarding::Status;
use serde_json::{Value, json};
use store::{ListFilter, StoreError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::Onboardings;
use crate::body::REFERENCE;
use crate::query::{PAGE, Query, limit, wrong_cursor};

/// How the value of a filter's parameter is read.
type ReadFilter = fn(&str) -> Result<ListFilter, String>;

/// The parameters that choose what is listed. Each has an index or items of its own, and no index holds two.
const FILTERS: [(&str, ReadFilter); 8] = [
    ("status", status),
    ("overdue", overdue),
    ("reference", reference),
    ("client_id", |text| id(text, ListFilter::Client)),
    ("waba_id", |text| id(text, ListFilter::Waba)),
    ("phone_number_id", |text| id(text, ListFilter::PhoneNumber)),
    ("channel_id", |text| id(text, ListFilter::Channel)),
    ("updated_after", updated_after),
];

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

/// The query, checked.
#[derive(Debug, PartialEq, Eq)]
struct ListQuery<'a> {
    filter: ListFilter,
    cursor: Option<&'a str>,
    limit: u32,
}

impl<'a> ListQuery<'a> {
    /// Checks every parameter, so that the answer names all that is wrong.
    fn read(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Problem> {
        let filters = FILTERS.map(|(name, _)| name);
        let mut query = Query::read(pairs, &[&filters[..], &["cursor", "limit"]].concat());
        for name in filters {
            // A value that was left out by mistake must not list everybody.
            query.refuse_empty(name);
        }
        let chosen = FILTERS.map(|(name, read)| Some((name, query.checked(name, read)?)));
        let limit = query.checked("limit", limit).unwrap_or(PAGE);
        let cursor = query.value("cursor");
        query.finish()?;
        let (given, mut chosen): (Vec<&str>, Vec<ListFilter>) = chosen.into_iter().flatten().unzip();
        if given.len() > 1 {
            return Err(Problem::unsupported_filter(&given, &filters));
        }
        Ok(Self { filter: chosen.pop().unwrap_or_default(), cursor, limit })
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

fn overdue(word: &str) -> Result<ListFilter, String> {
    if word == "true" {
        Ok(ListFilter::Overdue)
    } else {
        Err("must be true; without it the list has all onboardings".to_owned())
    }
}

fn id<T: FromStr<Err: Display>>(text: &str, filter: fn(T) -> ListFilter) -> Result<ListFilter, String> {
    text.parse().map(filter).map_err(|error| format!("is {error}"))
}

fn updated_after(text: &str) -> Result<ListFilter, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map(ListFilter::UpdatedAfter);
    time.map_err(|_| "must be a time of RFC 3339, such as 2026-11-03T09:00:00Z".to_owned())
}
