#![doc = include_str!("../README.md")]

#[cfg(feature = "onboardings")]
pub mod access;
#[cfg(feature = "onboardings")]
pub mod auth;
mod body;
mod problem;
mod request;
mod routes;
mod untrusted;
#[cfg(feature = "onboardings")]
pub mod view;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use lambda_http::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use lambda_http::http::{HeaderValue, StatusCode};
use lambda_http::lambda_runtime::{LambdaEvent, Runtime};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service;
use lambda_http::{Adapter, Body, Request, Response, service_fn};
use serde::Serialize;
use tracing::Instrument;

pub use body::{read, read_json, read_long_json};
pub use problem::{FieldError, Problem, ProblemCode};
pub use request::{bearer, import_id, onboarding_id, public_url, request_id, requester, route};
pub use routes::{Function, ROUTES, Route};
pub use untrusted::readable;

/// A function behind the API.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    async fn handle(&self, request: Request) -> Response<Body>;
}

/// Answers the API's requests on Lambda until the sandbox is stopped.
///
/// # Errors
/// Only if Lambda's runtime API cannot be reached.
pub async fn serve(handler: impl Handler) -> Result<(), lambda_http::Error> {
    let handler = Arc::new(handler);
    let mut adapter = Adapter::from(service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, std::convert::Infallible>(handler.handle(request).await) }
    }));
    // Not `lambda_http::run`, which would open a span of its own around ours.
    let answer = move |event: LambdaEvent<LambdaRequest>| {
        adapter.call(LambdaEvent { payload: readable(event.payload), context: event.context })
    };
    Runtime::new(service_fn(answer)).run().await
}

/// Runs a handler's work inside the invocation's span, turns a problem into its answer, and logs one line.
pub async fn respond<F>(request: &Request, work: F) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, Problem>> + Send,
{
    let request_id = request_id(request);
    let span = telemetry::invocation_span(request_id);
    async {
        let started = Instant::now();
        let answer = work.await;
        let code = answer.as_ref().err().map(|problem| problem.code.as_str());
        let cause = answer.as_ref().err().and_then(|problem| problem.cause.clone());
        let response = answer.unwrap_or_else(|problem| problem.into_response(request_id));
        let (method, route) = route(request);
        let (status, milliseconds) = (response.status().as_u16(), telemetry::milliseconds(started));
        if response.status().is_server_error() {
            tracing::error!(method, route, status, code, cause, milliseconds, "request");
        } else {
            tracing::info!(method, route, status, code, milliseconds, "request");
        }
        response
    }
    .instrument(span)
    .await
}

/// A JSON answer, not to be cached.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_string(value) {
        Ok(text) => answer(status, "application/json", text),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            answer(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{}".to_owned())
        }
    }
}

/// A plain text, not to be cached.
pub fn text(status: StatusCode, text: String) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", text)
}

fn answer(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
