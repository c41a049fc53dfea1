//! The API: its routes and its log.

use std::collections::BTreeSet;

use api::{Problem, ROUTES};
use serde_json::{Value, json};

use crate::{resources, template};

/// A path holds an onboarding's id at most, but a query may hold a code or a verify token, and the execution log holds all.
#[test]
fn the_api_logs_nothing_that_could_hold_a_secret() {
    let api = resources(&template(), "AWS::Serverless::Api").remove(0).1;
    let harmless = [
        "requestId",
        "requestTime",
        "httpMethod",
        "resourcePath",
        "status",
        "responseLatency",
        "responseLength",
        "identity.sourceIp",
        "error.responseType",
        "xrayTraceId",
    ];
    let format = api["AccessLogSetting"]["Format"].as_str().unwrap();
    let logged: Vec<&str> = format.split("$context.").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(logged, harmless);
    for settings in api["MethodSettings"].as_array().unwrap() {
        let path = settings["ResourcePath"].as_str().unwrap().replacen('/', "", 1).replace("~1", "/");
        let known = |route: &api::Route| route.path == path && settings["HttpMethod"] == route.method;
        assert!(path == "*" || ROUTES.iter().any(known), "MethodSettings: {path} is no route");
        assert_eq!(settings["LoggingLevel"], "OFF");
        assert_eq!(settings["DataTraceEnabled"], Value::Null);
    }
}

#[test]
fn the_template_routes_exactly_the_routes_of_the_code() {
    let template = template();
    let mut declared = BTreeSet::new();
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        for event in function["Events"].as_object().into_iter().flatten().map(|(_, event)| event) {
            if event["Type"] == "Api" {
                let text = |member: &str| event["Properties"][member].as_str().unwrap().to_owned();
                declared.insert((text("Method"), text("Path"), name.clone()));
            }
        }
    }
    let of_code = ROUTES
        .iter()
        .map(|route| (route.method.to_owned(), route.path.to_owned(), route.function.resource().to_owned()));
    assert_eq!(
        declared,
        of_code.collect(),
        "Events of the functions of template.yaml, and the routes of shared/api/src/routes.rs"
    );
}

#[test]
fn the_answers_of_api_gateway_itself_are_those_of_the_functions() {
    let api = resources(&template(), "AWS::Serverless::Api").remove(0).1;
    let expected = [
        ("DEFAULT_4XX", Problem::refused()),
        ("DEFAULT_5XX", Problem::unavailable(5, "")),
        ("MISSING_AUTHENTICATION_TOKEN", Problem::not_found()),
        ("REQUEST_TOO_LARGE", Problem::too_large(10 << 20)),
        ("RESOURCE_NOT_FOUND", Problem::not_found()),
        ("THROTTLED", Problem::too_many_requests()),
    ];
    let declared = api["GatewayResponses"].as_object().unwrap();
    assert_eq!(declared.len(), expected.len());
    for (kind, problem) in expected {
        let response = problem.into_response("$context.requestId");
        let headers = response.headers().iter();
        // A text in single quotes is a constant to API Gateway.
        let headers = headers.map(|(name, value)| (name.to_string(), format!("'{}'", value.to_str().unwrap())));
        let written = declared[kind]["ResponseParameters"]["Headers"].as_object().unwrap().iter();
        let written = written.map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().to_owned()));
        assert_eq!(written.collect::<BTreeSet<_>>(), headers.collect(), "{kind}");
        assert_eq!(declared[kind]["StatusCode"], response.status().as_str(), "{kind}");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        let template = declared[kind]["ResponseTemplates"]["application/json"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(template).unwrap(), body, "{kind}");
    }
}

/// A proxy (`PublicUrl`) may need the API's own address, so it is closed only if there is another.
#[test]
fn with_a_domain_the_api_has_no_other_address() {
    let template = template();
    let api = resources(&template, "AWS::Serverless::Api").remove(0).1;
    assert_eq!(api["DisableExecuteApiEndpoint"], json!(["HasDomain", true, false]));
    let domain = resources(&template, "AWS::ApiGateway::DomainName").remove(0).1;
    assert_eq!(domain["SecurityPolicy"], "TLS_1_2");
}

/// API Gateway closes the address when something of a stage changes, and a parameter is no reason for SAM to deploy again.
#[test]
fn a_domain_that_is_added_to_a_stack_changes_the_stage() {
    let api = resources(&template(), "AWS::Serverless::Api").remove(0).1;
    assert_eq!(api["Variables"]["domain"], json!(["HasDomain", "DomainName", "none"]));
}
