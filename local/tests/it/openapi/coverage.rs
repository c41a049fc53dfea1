//! Records which documented answers the calls of a test got. Every answer is checked against the document on its way.

use std::collections::BTreeSet;

use api::ROUTES;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::openapi::document::{Document, Told};
use crate::support::TestBench;
use crate::support::replies::Reply;

/// The document, and the answers of it that were seen.
pub(crate) struct Coverage {
    pub(crate) document: Document,
    pub(crate) seen: BTreeSet<Told>,
    /// The words of all histories that were shown.
    pub(crate) events: BTreeSet<String>,
}

impl Coverage {
    pub(crate) fn new() -> Self {
        Self { document: Document::read(), seen: BTreeSet::new(), events: BTreeSet::new() }
    }

    pub(crate) async fn get(&mut self, bench: &TestBench, path: &str, token: &str) -> Reply {
        self.call(bench.client.request(Method::GET, &format!("/v1{path}"), token)).await
    }

    pub(crate) async fn post(&mut self, bench: &TestBench, path: &str, token: &str, body: &Value) -> Reply {
        self.call(bench.client.request(Method::POST, &format!("/v1{path}"), token).json(body)).await
    }

    pub(crate) async fn post_text(&mut self, bench: &TestBench, path: &str, token: &str, body: String) -> Reply {
        self.call(bench.client.request(Method::POST, &format!("/v1{path}"), token).body(body)).await
    }

    /// Makes the call and asserts that the document tells of everything in the answer.
    pub(crate) async fn call(&mut self, request: RequestBuilder) -> Reply {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let method = request.method().to_string();
        let path = request.url().path().trim_start_matches("/v1").to_owned();
        let sent: Option<Value> = request.body().and_then(|body| serde_json::from_slice(body.as_bytes()?).ok());

        let response = client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        let reply = Reply { status, headers, text, body };

        let (template, operation) = self.document.operation_of(&method, &path);
        let operation_name = format!("{method} {template}");
        let told = operation["responses"].get(reply.status.to_string());
        let told = told.unwrap_or_else(|| {
            let route = ROUTES.iter().find(|route| route.method == method && route.path == template).unwrap();
            let function = route.function.folder();
            panic!(
                "{operation_name}: {} of functions/{function} is not in docs/openapi.yaml: {}",
                reply.status, reply.text
            )
        });
        let told = self.document.resolve(told);
        self.check_headers(&operation_name, told, &reply);
        self.check_body(&operation_name, told, &reply);
        if let (200..300, Some(sent), Some(body)) = (reply.status, sent, operation.get("requestBody")) {
            let objections = self.document.objections(&body["content"]["application/json"]["schema"], &sent);
            assert!(objections.is_empty(), "{operation_name} took {sent}: {objections:#?}");
        }

        let code = reply.body.get("code").and_then(Value::as_str).map(str::to_owned);
        self.seen.insert(Told { operation: operation_name, status: reply.status.to_string(), code });
        let history = reply.body.get("history").and_then(Value::as_array);
        let words = history.into_iter().flatten().filter_map(|entry| entry["event"]["event"].as_str());
        self.events.extend(words.map(str::to_owned));
        reply
    }

    fn check_headers(&self, operation: &str, told: &Value, reply: &Reply) {
        for (name, header) in told.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let header = self.document.resolve(header);
            let value = reply.headers.get(name).map(|value| value.to_str().unwrap());
            let value = value.unwrap_or_else(|| panic!("{operation} {}: no {name}", reply.status));
            let objections = self.document.objections(&header["schema"], &value.into());
            assert!(objections.is_empty(), "{operation} {}: {name}: {objections:#?}", reply.status);
        }
    }

    fn check_body(&self, operation: &str, told: &Value, reply: &Reply) {
        let Some(content) = told.get("content") else {
            assert!(reply.text.is_empty(), "{operation} {}: {}", reply.status, reply.text);
            return;
        };
        let content_type = reply.header("content-type");
        let told = content.get(content_type);
        let told = told.unwrap_or_else(|| panic!("{operation} {}: {content_type} is not documented", reply.status));
        let is_json = content_type.ends_with("json");
        let body = if is_json { reply.body.clone() } else { reply.text.clone().into() };
        let objections = self.document.objections(&told["schema"], &body);
        assert!(objections.is_empty(), "{operation} {}: {}: {objections:#?}", reply.status, reply.text);
    }

    /// Asserts that everything that the document tells of has happened.
    pub(crate) fn assert_all_seen(&self) {
        let told = self.document.told();
        let never: Vec<_> = told.difference(&self.seen).collect();
        assert!(never.is_empty(), "the document tells of answers that no call got: {never:#?}");
        let untold: Vec<_> = self.seen.difference(&told).collect();
        assert!(untold.is_empty(), "answers that the document does not tell of: {untold:#?}");
        let events = self.events.iter().map(String::as_str).collect();
        assert_eq!(
            self.document.words("/components/schemas/Event/properties/event/enum"),
            events,
            "the events of docs/openapi.yaml, and those that have happened. One that never happens is of a step that is never \
             next in shared/onboarding/src/work.rs"
        );
    }
}
