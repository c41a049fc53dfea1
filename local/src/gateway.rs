//! The local API Gateway: turns HTTP into REST API events, stage `v1`, and hands them to the functions' real handlers.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Function, Handler as _, Problem, ROUTES, readable};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, RawPathParamsRejection};
use axum::extract::{DefaultBodyLimit, MatchedPath, RawPathParams, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use lambda_http::Body;
use lambda_http::request::LambdaRequest;
use serde_json::{Value, json};
use tower_http::compression::CompressionLayer;
use url::Url;

use crate::functions::Functions;

/// The stage, and so the base path, as on AWS.
pub const STAGE: &str = "v1";
/// API Gateway's own limit of a request's body.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The parameter for every path that is no other route's, as API Gateway and as this router write it.
const GREEDY: (&str, &str) = ("{proxy+}", "{*proxy}");

/// The API under `/v1`.
pub fn router(functions: Arc<Functions>) -> Router {
    let mut templates: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    templates.sort_unstable();
    templates.dedup();
    let router = templates
        .into_iter()
        .map(|template| template.replace(GREEDY.0, GREEDY.1))
        .fold(Router::new(), |router, template| router.route(&format!("/{STAGE}{template}"), any(handle)));
    let router = [format!("/{STAGE}"), format!("/{STAGE}/")]
        .into_iter()
        .fold(router, |router, rest| router.route(&rest, any(|| async { own(Problem::not_found()) })));
    // As with the template's `MinimumCompressionSize`.
    let router = router.layer(CompressionLayer::new());
    router.layer(DefaultBodyLimit::max(BODY_LIMIT)).with_state(functions)
}

async fn handle(
    State(functions): State<Arc<Functions>>,
    matched: MatchedPath,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let template = matched.as_str().trim_start_matches('/').trim_start_matches(STAGE).replace(GREEDY.1, GREEDY.0);
    let route = ROUTES.iter().find(|route| route.method == method.as_str() && route.path == template);
    let Some(route) = route else { return own(Problem::not_found()) };
    let Ok(parameters) = parameters else { return own(Problem::not_found()) };
    let Ok(body) = body else { return own(Problem::too_large(BODY_LIMIT)) };
    let event = event(&template, &parameters, &method, &uri, &headers, &body);
    let request = match serde_json::from_str::<LambdaRequest>(&event.to_string()) {
        Ok(request) => readable(request).into(),
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let response = match route.function {
        Function::SignupPage => functions.signup_page.handle(request).await,
        Function::Onboardings => functions.onboardings.handle(request).await,
        Function::EsCallback => functions.es_callback.handle(request).await,
        Function::WebhookReceipt => functions.webhook_receipt.handle(request).await,
    };
    sent(response)
}

/// The HTTP answer that API Gateway makes of a function's.
fn sent(response: lambda_http::Response<Body>) -> Response {
    let (parts, body) = response.into_parts();
    let body = match body {
        Body::Text(text) => text.into_bytes(),
        Body::Binary(bytes) => bytes,
        _ => Vec::new(),
    };
    (parts.status, parts.headers, body).into_response()
}

/// An answer of API Gateway itself, as the template's `GatewayResponses` have it.
fn own(problem: Problem) -> Response {
    sent(problem.into_response(&uuid::Uuid::new_v4().to_string()))
}

/// The event of a REST API with proxy integration.
fn event(
    template: &str,
    parameters: &RawPathParams,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Value {
    let mut all_headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        all_headers.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let mut all_query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        all_query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let path_parameters: BTreeMap<&str, &str> = parameters.iter().collect();
    let text = std::str::from_utf8(body);
    let path = uri.path().trim_start_matches('/').trim_start_matches(STAGE);
    // API Gateway names its own.
    let domain = headers.get("host").and_then(|host| host.to_str().ok());
    let domain = domain.filter(|domain| Url::parse(&format!("http://{domain}/")).is_ok());
    json!({
        "resource": template,
        "path": path,
        "httpMethod": method.as_str(),
        "headers": last(&all_headers),
        "multiValueHeaders": all_headers,
        "queryStringParameters": last(&all_query),
        "multiValueQueryStringParameters": all_query,
        "pathParameters": path_parameters,
        "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": domain.unwrap_or("localhost"),
            "httpMethod": method.as_str(),
            "identity": {"sourceIp": "127.0.0.1"},
            "path": uri.path(),
            "protocol": "HTTP/1.1",
            "requestId": uuid::Uuid::new_v4().to_string(),
            "resourceId": "local",
            "resourcePath": template,
            "stage": STAGE,
        },
        "body": match text {
            Ok("") => Value::Null,
            Ok(text) => text.into(),
            Err(_) => base64::Engine::encode(&base64::engine::general_purpose::STANDARD, body).into(),
        },
        "isBase64Encoded": text.is_err(),
    })
}

/// API Gateway's single-value maps hold the last of several values.
fn last<K: AsRef<str> + Ord>(all: &BTreeMap<K, Vec<String>>) -> BTreeMap<&str, &str> {
    all.iter().filter_map(|(name, values)| Some((name.as_ref(), values.last()?.as_str()))).collect()
}
