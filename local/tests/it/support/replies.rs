//! HTTP replies with their headers, and the form that every problem must have.

use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::TestBench;

/// The largest body that the API reads.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// An answer with its headers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null if the text is not JSON.
    pub(crate) body: Value,
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_default();
    Reply { status, headers, text, body }
}

impl TestBench {
    /// `POST` of any text, with a bearer token unless it is empty.
    pub(crate) async fn post_text(&self, path: &str, token: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.client.request(Method::POST, path, token).header(CONTENT_TYPE, "application/json");
        send(request.body(body)).await
    }

    /// `POST` of JSON, with a bearer token unless it is empty.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        send(self.client.request(Method::POST, path, token).json(body)).await
    }

    /// `GET`, with a bearer token unless it is empty.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        send(self.client.request(Method::GET, path, token)).await
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a problem of RFC 9457 with all that the API promises of one.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        let body = &self.body;
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/problem+json");
        assert_eq!(self.header(CACHE_CONTROL.as_str()), "no-store");
        assert_eq!(body["status"], status);
        for member in ["type", "title", "detail", "request_id"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {body}");
        }
        let known = ["type", "title", "status", "detail", "code", "request_id", "errors", "renew_url"];
        assert!(body.as_object().unwrap().keys().all(|member| known.contains(&member.as_str())), "{body}");
    }

    /// Asserts that exactly these fields are named as wrong, each with a reason.
    #[track_caller]
    pub(crate) fn assert_fields(&self, fields: &[&str]) {
        self.assert_problem(422, "invalid_field");
        let errors = self.body["errors"].as_array().unwrap();
        let named: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{}", self.text);
        assert!(errors.iter().all(|error| error["message"].as_str().is_some_and(|text| !text.is_empty())));
    }
}
