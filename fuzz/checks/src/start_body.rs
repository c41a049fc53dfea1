//! The body of `POST /onboardings`, from the partner's server: what is taken keeps the rules, what is refused is not repeated.

use std::sync::{Arc, LazyLock, Mutex};

use api::Handler;
use onboardings::Onboardings;
use serde_json::Value;
use url::Url;

use crate::requests;

static API: LazyLock<(Onboardings, Arc<Mutex<requests::Table>>)> = LazyLock::new(requests::onboardings);

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(body: &[u8]) {
    let (function, table) = &*API;
    let mut request = requests::request("POST", "/onboardings");
    request.headers_mut().insert("authorization", format!("Bearer {}", requests::BACKEND_TOKEN).parse().unwrap());
    *request.body_mut() = lambda_http::Body::Binary(body.to_vec());
    let response = requests::wait(function.handle(request));
    let text = std::str::from_utf8(response.body()).unwrap();
    let answer: Value = serde_json::from_str(text).unwrap();
    let calls = std::mem::take(&mut table.lock().unwrap().calls);
    let sent = serde_json::from_slice::<Value>(body);

    if response.status() != 201 {
        assert!([400, 413, 422].contains(&response.status().as_u16()), "{text}");
        assert!(calls.is_empty(), "something was written for what is refused");
        assert!(answer["code"].is_string() && answer["detail"].is_string(), "{text}");
        // Long enough not to be one of our own words.
        for value in sent.iter().flat_map(texts).filter(|value| value.len() > 60) {
            assert!(!text.contains(value), "{text}");
        }
        return;
    }
    let sent = sent.unwrap();
    let (operation, written) = &calls[0];
    assert_eq!((calls.len(), operation.as_str()), (1, "TransactWriteItems"));
    let (link, token) = answer["setup_url"].as_str().unwrap().rsplit_once('.').unwrap();
    assert_eq!(link, format!("https://signup.partner.example/v1/signup#{}", answer["id"].as_str().unwrap()));
    let written = written.to_string();
    assert!(!written.contains(token) && written.len() < 400_000);

    let reference = sent["reference"].as_str().unwrap().trim();
    assert!((1..=128).contains(&reference.chars().count()) && !reference.contains(char::is_control));
    assert!(sent["prefill"].get("solutionID").is_none());
    if let Some(url) = sent["return_url"].as_str() {
        let url = Url::parse(url).unwrap();
        assert_eq!((url.scheme(), url.host_str(), url.port()), ("https", Some("partner.example"), None));
    }
}

/// Every text of a JSON value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(members) => members.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
