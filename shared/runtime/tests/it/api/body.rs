use api::{FieldError, Problem, ProblemCode, json as json_answer, read, read_json};
use lambda_http::{Body, Request};
use onboarding::Status;
use onboarding::{Tier, WabaId};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Start {
    reference: String,
    client: Client,
    #[serde(default)]
    tier: Tier,
    #[serde(default)]
    wabas: Vec<WabaId>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Client {
    email: String,
}

fn problem(body: impl Into<Body>) -> Problem {
    read_json::<Start>(&Request::new(body.into())).unwrap_err()
}

fn wrong(body: &Value) -> (String, String) {
    let problem = problem(body.to_string());
    assert_eq!((problem.status.as_u16(), problem.code), (422, ProblemCode::InvalidField));
    let [FieldError { field, message }] = problem.errors.as_slice() else { panic!("{problem:?}") };
    assert!(!problem.detail.contains("canary"), "{problem:?}");
    (field.clone(), message.clone())
}

#[test]
fn a_wrong_body_member_is_named_by_its_path_and_its_value_is_not_repeated() {
    let cases = [
        (json!({}), "reference", "is missing"),
        (json!({ "reference": "r", "client": {} }), "client.email", "is missing"),
        (json!({ "reference": 7, "client": { "email": "e" } }), "reference", "must be a string"),
        (json!({ "reference": "r", "client": "canary" }), "client", "must be an object"),
        (json!({ "reference": "r", "client": { "email": ["canary"] } }), "client.email", "must be a string"),
        (
            json!({ "reference": "r", "client": { "email": "e" }, "tier": "canary" }),
            "tier",
            "must be one of `regular`, `premium`, `basic`",
        ),
        (
            json!({ "reference": "r", "client": { "email": "e" }, "wabas": ["409812357760143", "canary"] }),
            "wabas[1]",
            "not a WABA id: 5 to 20 digits",
        ),
    ];
    for (body, field, message) in cases {
        assert_eq!(wrong(&body), (field.to_owned(), message.to_owned()), "{body}");
    }
}

#[test]
fn a_body_that_is_no_json_object_is_distinguished_from_a_wrong_member() {
    let good = json!({ "reference": "r", "client": { "email": "e" } }).to_string();
    assert!(read_json::<Start>(&Request::new(good.clone().into())).is_ok());
    assert!(read_json::<Start>(&Request::new(good.clone().into_bytes().into())).is_ok(), "undone base64");
    let not_json =
        ["", " ", "null", "[]", "[\"r\", {\"email\": \"e\"}]", "\"text\"", "{", "{\"reference\"}", "reference=r"];
    for body in not_json.into_iter().map(str::to_owned).chain([good + "x"]) {
        let problem = problem(body.clone());
        assert_eq!((problem.status.as_u16(), problem.code), (400, ProblemCode::InvalidJson), "{body}");
    }
    assert_eq!(problem(b"{\"reference\": \"\xff\"}".as_slice()).code, ProblemCode::InvalidJson);
    assert_eq!(problem(Body::Empty).code, ProblemCode::InvalidJson);
}

#[test]
fn a_request_body_may_have_64_kib() {
    let body = |length| Request::new(Body::Text("x".repeat(length)));
    assert_eq!(read(&body(65_536)).unwrap().len(), 65_536);
    assert_eq!(read(&body(65_537)).unwrap_err().status.as_u16(), 413);
    assert_eq!(problem("x".repeat(65_537)).code, ProblemCode::TooLarge);
}

#[test]
fn a_problem_has_the_form_of_rfc_9457() {
    let response = Problem::invalid_field("client.email", "is missing").into_response("request-1");
    assert_eq!(response.status().as_u16(), 422);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let Body::Text(text) = response.body() else { panic!("{response:?}") };
    assert_eq!(
        serde_json::from_str::<Value>(text).unwrap(),
        json!({
            "type": "about:blank",
            "title": "Unprocessable Entity",
            "status": 422,
            "detail": "The request is not valid. client.email: is missing.",
            "code": "invalid_field",
            "request_id": "request-1",
            "errors": [{ "field": "client.email", "message": "is missing" }],
        })
    );
    let unavailable = Problem::unavailable(5, "canary").into_response("request-1");
    assert_eq!(unavailable.headers()["retry-after"], "5");
    let internal = Problem::internal("canary").into_response("request-1");
    for response in [unavailable, internal] {
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(!text.contains("canary"), "{text}");
    }
    assert_eq!(Problem::unauthorized().into_response("").headers()["www-authenticate"], "Bearer");
}

#[test]
fn every_problem_has_the_status_and_code_of_the_api() {
    let expected = [
        (Problem::not_found(), 404, "not_found"),
        (Problem::unauthorized(), 401, "unauthorized"),
        (Problem::number_taken(), 409, "number_taken"),
        (Problem::idempotency_conflict(), 409, "idempotency_conflict"),
        (Problem::not_retryable(), 409, "not_retryable"),
        (Problem::link_expired(None), 410, "link_expired"),
        (Problem::link_renewed(None), 410, "link_renewed"),
        (Problem::link_revoked(), 410, "link_revoked"),
        (Problem::ended(), 409, "ended"),
        (Problem::not_ready(Status::Started), 409, "not_ready"),
        (Problem::not_cancellable(Status::Ready), 409, "not_cancellable"),
        (Problem::in_progress(), 409, "in_progress"),
        (Problem::already_signed_up(), 409, "already_signed_up"),
        (Problem::signup_unknown(), 409, "signup_unknown"),
        (Problem::code_expired(), 422, "code_expired"),
        (Problem::code_used(), 422, "code_used"),
        (Problem::signup_refused(ProblemCode::WabaNotGranted, "Not yours."), 422, "waba_not_granted"),
        (Problem::no_number(), 422, "no_number"),
        (Problem::unavailable(1, ""), 503, "unavailable"),
        (Problem::internal(""), 500, "internal"),
    ];
    for (problem, status, code) in expected {
        assert_eq!((problem.status.as_u16(), problem.code.as_str()), (status, code));
        assert!(problem.detail.ends_with('.'), "{}", problem.detail);
    }
}

#[test]
fn an_api_answer_is_json_and_not_cached() {
    let response = json_answer(lambda_http::http::StatusCode::CREATED, &json!({ "id": 1 }));
    assert_eq!(response.status().as_u16(), 201);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.body(), &Body::Text("{\"id\":1}".to_owned()));
}
