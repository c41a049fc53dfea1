//! What is read from a request besides its body.

use exchange::is_loopback;
use lambda_http::http::header::{AUTHORIZATION, HOST};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use onboarding::{ImportId, OnboardingId, RequestToken, Requester};
use secrecy::SecretString;
use url::Url;

use super::Problem;

type Context = lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequestContext;

fn context(request: &Request) -> Option<&Context> {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => Some(context),
        _ => None,
    }
}

/// The invocation's id: Lambda's, by which its own log lines are found too; else the API's.
pub fn request_id(request: &Request) -> &str {
    let lambda = request.lambda_context_ref().map(|context| context.request_id.as_str());
    let api = context(request).and_then(|context| context.request_id.as_deref());
    lambda.filter(|id| !id.is_empty()).or(api).unwrap_or_default()
}

/// Who sends a request that came with the back-end token, for the history.
pub fn requester(request: &Request) -> Requester {
    let source_ip = context(request).and_then(|context| context.identity.source_ip.clone());
    Requester { token: RequestToken::BackEnd, source_ip, request_id: request_id(request).to_owned() }
}

/// Method and route template, such as `("GET", "/onboardings/{id}")`; an empty template if the API named none.
pub fn route(request: &Request) -> (&str, &str) {
    let template = context(request).and_then(|context| context.resource_path.as_deref());
    (request.method().as_str(), template.unwrap_or_default())
}

/// The onboarding that the path names. Anything that is no id is not found.
pub fn onboarding_id(request: &Request) -> Result<OnboardingId, Problem> {
    let id = request.path_parameters_ref().and_then(|parameters| parameters.first("id"));
    id.and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found)
}

/// The import that the path names. Anything that is no id is not found.
pub fn import_id(request: &Request) -> Result<ImportId, Problem> {
    let id = request.path_parameters_ref().and_then(|parameters| parameters.first("id"));
    id.and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found)
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(request: &Request) -> Option<SecretString> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.into())
}

/// Where customers reach this API, with its stage and without a slash at the end: the setting if there is one, else the
/// domain and the path that the request came by, as API Gateway named them. The client's own `Host` and
/// `X-Forwarded-Proto` count only on this machine: elsewhere they could lead a setup link to a stranger.
pub fn public_url(request: &Request, setting: Option<&Url>) -> Result<String, Problem> {
    if let Some(url) = setting {
        return Ok(url.as_str().trim_end_matches('/').to_owned());
    }
    let unknown = || Problem::internal("the API did not say under which URL it is reached; set PUBLIC_URL");
    let context = context(request).ok_or_else(unknown)?;
    let (path, template) = (context.path.as_deref(), context.resource_path.as_deref());
    let base = base_path(path.ok_or_else(unknown)?, template.ok_or_else(unknown)?).ok_or_else(unknown)?;
    let domain = context.domain_name.as_deref().ok_or_else(unknown)?;
    let origin = local_origin(request, domain).unwrap_or_else(|| format!("https://{domain}"));
    Ok(format!("{origin}{base}"))
}

/// What stands before the route in a path: `/v1/onboardings/onb_1` by `/onboardings/{id}` is `/v1`.
fn base_path<'a>(path: &'a str, template: &str) -> Option<&'a str> {
    let mut base = path.trim_end_matches('/');
    for _ in template.split('/').filter(|part| !part.is_empty()) {
        base = base.rsplit_once('/')?.0;
    }
    Some(base)
}

fn local_origin(request: &Request, domain: &str) -> Option<String> {
    let local = |authority: &str| Url::parse(&format!("http://{authority}")).is_ok_and(|url| is_loopback(&url));
    if !local(domain) {
        return None;
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    // The domain comes without its port.
    let authority = header(HOST.as_str()).filter(|host| local(host)).unwrap_or(domain);
    let scheme = header("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    Some(format!("{scheme}://{authority}"))
}
