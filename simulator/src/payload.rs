//! Request bodies: JSON or a form, as the Hub and Meta both take.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// The members of a JSON object, or the fields of a form. `None` if it is neither. An empty body has none.
pub(crate) fn fields(headers: &HeaderMap, body: &[u8]) -> Option<Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Some(Map::new());
    }
    let form = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if form {
        let pairs = url::form_urlencoded::parse(body);
        return Some(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect());
    }
    serde_json::from_slice(body).ok()
}

/// A member that is a text; `null` and `""` count as absent.
pub(crate) fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}
