//! Around every call to the fake services: the ledger's entry, and the faults that were ordered.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::faults::{self, Fault};
use crate::half_surrogates;
use crate::ledger::Call;
use crate::platforms::App;
use crate::routes::{self, Route};
use crate::serve::Unanswered;

/// What was played, on its way to the ledger.
#[derive(Clone)]
struct Played(String);

/// Writes the call down. The outermost layer.
pub(crate) async fn record(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let Some(route) = routes::find(&method, &path, &app.settings.solution_id) else {
        return next.run(request).await;
    };
    request.extensions_mut().insert(route);
    let response = next.run(request).await;
    let answered = response.extensions().get::<Unanswered>().is_none();
    let call = Call {
        service: route.service.to_owned(),
        route: route.name.to_owned(),
        method,
        path,
        status: answered.then(|| response.status().as_u16()),
        at: app.now(),
        fault: response.extensions().get::<Played>().map(|played| played.0.clone()),
    };
    app.state().ledger.calls.push(call);
    response
}

/// Lets half surrogates out, in JSON of any service.
pub(crate) async fn let_half_surrogates_out(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let json = HeaderValue::from_static("application/json");
    if response.headers().get(header::CONTENT_TYPE) != Some(&json) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let body = match std::str::from_utf8(&whole) {
        Ok(text) => Body::from(half_surrogates::sent(text)),
        Err(_) => Body::from(whole),
    };
    Response::from_parts(parts, body)
}

/// Plays the fault ordered for this route. Inside authentication and rate limit, around the handler.
pub(crate) async fn fault(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<Route>().copied() else {
        return next.run(request).await;
    };
    let Some(fault) = faults::take(&mut app.state(), route.name) else {
        return next.run(request).await;
    };
    if let Some(delay) = fault.delay_ms {
        tokio::time::sleep(Duration::from_millis(delay.into())).await;
    }
    let replaces = fault.drop || fault.status.is_some() || fault.body.is_some() || fault.after_effect;
    let answer = if !replaces || fault.after_effect { Some(next.run(request).await) } else { None };
    let response = match answer {
        Some(answer) if !replaces => answer,
        _ => play(&fault, route.service),
    };
    let mut response = altered(&fault, response).await;
    response.extensions_mut().insert(Played(fault.words()));
    response
}

fn play(fault: &Fault, service: &str) -> Response {
    if fault.drop {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Unanswered);
        return response;
    }
    let default = if fault.body.is_some() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(default);
    match &fault.body {
        Some(Value::String(text)) => {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            (status, [(header::CONTENT_TYPE, plain)], text.clone()).into_response()
        }
        Some(body) => (status, Json(body)).into_response(),
        None => (status, Json(error_body(service, status))).into_response(),
    }
}

/// The answer with the headers that were ordered, and cut where it was ordered: as a proxy does it.
async fn altered(fault: &Fault, response: Response) -> Response {
    let (mut parts, mut body) = response.into_parts();
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            parts.headers.insert(name, value);
        }
    }
    if let Some(length) = fault.cut_after {
        let mut whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
        whole.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        parts.headers.remove(header::CONTENT_LENGTH);
        body = Body::from(whole);
    }
    Response::from_parts(parts, body)
}

/// The error that the service itself would answer with.
fn error_body(service: &str, status: StatusCode) -> Value {
    let message = status.canonical_reason().unwrap_or("Error");
    match service {
        "hub" => json!({"meta": {"success": false, "http_code": status.as_u16(), "developer_message": message}}),
        "graph" => {
            let code = if status == StatusCode::TOO_MANY_REQUESTS { 4 } else { 2 };
            json!({"error": {
                "message": message, "type": "OAuthException", "code": code,
                "is_transient": status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
                "fbtrace_id": "AmadeUpTrace",
            }})
        }
        _ => json!({"error": message}),
    }
}
