#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use api::{Problem, ProblemCode, bearer, onboarding_id, public_url, request_id, respond, route};
use lambda_http::http::StatusCode;
use lambda_http::{Context, Request, RequestExt};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::log::Log;

const ID: &str = "onb_019a4c5e0f1270008a11bb22cc33dd44";

/// As API Gateway sends it to a function behind a REST API.
fn event() -> Value {
    json!({
        "httpMethod": "POST",
        "resource": "/onboardings/{id}/retry",
        "path": format!("/onboardings/{ID}/retry"),
        "headers": { "Authorization": "Bearer canary-token", "Host": "evil.example", "X-Forwarded-Proto": "http" },
        "multiValueHeaders": { "Authorization": ["Bearer canary-token"], "Host": ["evil.example"] },
        "pathParameters": { "id": ID },
        "requestContext": {
            "httpMethod": "POST",
            "requestId": "api-1",
            "stage": "v1",
            "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
            "path": format!("/v1/onboardings/{ID}/retry"),
            "resourcePath": "/onboardings/{id}/retry",
        },
        "body": "e30=",
        "isBase64Encoded": true,
    })
}

fn request(event: &Value) -> Request {
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

#[test]
fn the_route_and_id_of_a_request_are_those_that_the_gateway_matched() {
    let request = request(&event());
    assert_eq!(route(&request), ("POST", "/onboardings/{id}/retry"));
    assert_eq!(onboarding_id(&request).unwrap().as_str(), ID);
    assert_eq!(api::read(&request).unwrap(), b"{}");
    assert_eq!(route(&Request::default()), ("GET", ""));
    assert_eq!(onboarding_id(&Request::default()).unwrap_err().code, ProblemCode::NotFound);
    let mut event = event();
    event["pathParameters"]["id"] = "onb_1".into();
    assert_eq!(onboarding_id(&self::request(&event)).unwrap_err().code, ProblemCode::NotFound);
}

#[test]
fn only_a_well_formed_bearer_token_is_read() {
    let token = |value: &str| {
        let mut request = Request::default();
        request.headers_mut().insert("authorization", value.parse().unwrap());
        bearer(&request).map(|token| token.expose_secret().to_owned())
    };
    assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
    assert_eq!(token("bearer  abc").as_deref(), Some("abc"));
    for value in ["", "Bearer", "Bearer ", "abc", "Basic abc"] {
        assert_eq!(token(value), None, "{value}");
    }
    assert!(bearer(&Request::default()).is_none());
}

#[test]
fn the_public_url_comes_from_the_gateway_and_never_from_the_client() {
    let url = |event: &Value| public_url(&request(event), None).unwrap();
    let mut event = event();
    assert_eq!(url(&event), "https://abc123.execute-api.eu-central-1.amazonaws.com/v1");
    // A custom domain, with and without a base path.
    event["requestContext"]["domainName"] = "signup.example.com".into();
    event["requestContext"]["path"] = format!("/wa/eu/onboardings/{ID}/retry").into();
    assert_eq!(url(&event), "https://signup.example.com/wa/eu");
    event["requestContext"]["path"] = format!("/onboardings/{ID}/retry/").into();
    assert_eq!(url(&event), "https://signup.example.com");
    // The setting wins.
    let setting = "https://link.example.com/v1/".parse().unwrap();
    assert_eq!(public_url(&request(&event), Some(&setting)).unwrap(), "https://link.example.com/v1");
    // Nothing is made up.
    event["requestContext"]["domainName"] = Value::Null;
    assert_eq!(public_url(&request(&event), None).unwrap_err().code, ProblemCode::Internal);
    assert_eq!(public_url(&Request::default(), None).unwrap_err().code, ProblemCode::Internal);
}

#[test]
fn on_this_machine_the_public_url_has_the_port_and_scheme_of_the_request() {
    let mut event = event();
    event["requestContext"]["domainName"] = "localhost".into();
    event["requestContext"]["path"] = "/onboardings/x/retry".into();
    assert_eq!(public_url(&request(&event), None).unwrap(), "http://localhost", "a strange host is not followed");
    event["headers"]["Host"] = "127.0.0.1:8080".into();
    event["multiValueHeaders"] = json!({});
    assert_eq!(public_url(&request(&event), None).unwrap(), "http://127.0.0.1:8080");
    event["headers"]["X-Forwarded-Proto"] = "https".into();
    assert_eq!(public_url(&request(&event), None).unwrap(), "https://127.0.0.1:8080");
}

#[tokio::test]
async fn a_problem_carries_the_id_under_which_it_is_logged() {
    let (log, _guard) = Log::start("debug");
    let mut context = Context::default();
    context.request_id = "lambda-1".to_owned();
    let request = request(&event()).with_lambda_context(context);
    assert_eq!(request_id(&request), "lambda-1");
    let response = respond(&request, async { Err(Problem::internal("the cause")) }).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["request_id"], "lambda-1");
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["route"], "/onboardings/{id}/retry");
    assert_eq!(lines[0]["status"], 500);
    assert_eq!(lines[0]["code"], "internal");
    assert_eq!(lines[0]["cause"], "the cause");
    assert_eq!(lines[0]["span"]["request_id"], "lambda-1");
    assert!(!log.text().contains("canary"));
}

#[test]
fn a_request_outside_lambda_has_the_gateways_request_id() {
    assert_eq!(request_id(&request(&event())), "api-1");
}
