//! The path's id and the `Authorization` header of one who wants to see an onboarding: nobody gets in without one of its tokens.
//!
//! The input is the header, a line break, and the id. `{setup}`, `{back_end}` and `{id}` stand for the right ones.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use api::Handler;
use lambda_http::RequestExt;
use lambda_http::http::HeaderValue;
use onboardings::Onboardings;
use serde_json::Value;

use crate::requests;

struct Started {
    function: Onboardings,
    table: Arc<Mutex<requests::Table>>,
    id: String,
    token: String,
}

static STARTED: LazyLock<Started> = LazyLock::new(|| {
    let (function, table) = requests::onboardings();
    let mut request = requests::request("POST", "/onboardings");
    request.headers_mut().insert("authorization", format!("Bearer {}", requests::BACKEND_TOKEN).parse().unwrap());
    let body = r#"{"reference": "tenant-1", "client": {"id": "hT3mVxCL"}}"#;
    *request.body_mut() = lambda_http::Body::Text(body.to_owned());
    let response = requests::wait(function.handle(request));
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let (_, fragment) = answer["setup_url"].as_str().unwrap().split_once('#').unwrap();
    let (id, token) = fragment.split_once('.').unwrap();
    table.lock().unwrap().calls.clear();
    Started { function, id: id.to_owned(), token: token.to_owned(), table }
});

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(data: &[u8]) {
    let Started { function, table, id, token } = &*STARTED;
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.replace("{setup}", token).replace("{back_end}", requests::BACKEND_TOKEN).replace("{id}", id);
    let (header, asked) = text.split_once('\n').unwrap_or((&text, id));
    let Ok(value) = HeaderValue::from_bytes(header.as_bytes()) else { return };
    let mut request = requests::request("GET", "/onboardings/{id}");
    request.headers_mut().insert("authorization", value);
    let request = request.with_path_parameters(HashMap::from([("id".to_owned(), asked.to_owned())]));
    let status = requests::wait(function.handle(request)).status().as_u16();
    let calls = std::mem::take(&mut table.lock().unwrap().calls);

    // The scheme in any case, then blanks, then the token and nothing else.
    let given = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, given)| given.trim());
    let opens = asked == id
        && header.is_ascii()
        && given.is_some_and(|given| given == token || given == requests::BACKEND_TOKEN);
    assert_eq!(status == 200, opens, "{status}");
    assert!(opens || [401, 404].contains(&status), "{status}");
    let reads = calls.iter().filter(|(operation, _)| operation == "GetItem").count();
    if !opens {
        assert!(reads <= 1 && reads == calls.len(), "a stranger costs more than one read");
    }
}
