//! Authenticates webhooks, keeps them, acknowledges.
//!
//! `POST /webhooks/partner-hub`, `GET` and `POST /webhooks/meta`.

use std::sync::Arc;

use api::{Handler, Problem, json, respond, route, text};
use async_trait::async_trait;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use runtime::Dependencies;
use runtime::settings::WebhookConfig;
use serde_json::json;
use workflow::{Receipt, ReceiptError};

/// The largest body that is looked at, in bytes. Anybody may send us one, and each is hashed before it is known whose it is.
const LONGEST_BODY: usize = 1 << 20;

/// Answers webhooks: authenticates each, stores it, then acknowledges it.
#[derive(Clone)]
pub struct WebhookReceipt(workflow::WebhookReceipt);

#[async_trait]
impl Handler for WebhookReceipt {
    async fn handle(&self, request: Request) -> Response<Body> {
        respond(&request, self.receive(&request)).await
    }
}

impl WebhookReceipt {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: &WebhookConfig) -> Self {
        Self(workflow::WebhookReceipt {
            store: dependencies.store.clone(),
            bundle: Arc::clone(&dependencies.bundle),
            token_header: settings.token_header.to_string(),
        })
    }

    async fn receive(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let body: &[u8] = request.body();
        if body.len() > LONGEST_BODY {
            return Err(Problem::too_large(LONGEST_BODY));
        }
        match route(request) {
            ("POST", "/webhooks/partner-hub") => acknowledge(self.0.partner_hub(header, body).await),
            ("POST", "/webhooks/meta") => acknowledge(self.0.meta(header("x-hub-signature-256"), body).await),
            ("GET", "/webhooks/meta") => self.handshake(request).await,
            _ => Err(Problem::not_found()),
        }
    }

    /// Meta proves that it is Meta with the verify token and wants its challenge back.
    async fn handshake(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let query = request.query_string_parameters_ref();
        let parameter = |name| query.and_then(|query| query.first(name));
        let (mode, token, challenge) =
            (parameter("hub.mode"), parameter("hub.verify_token"), parameter("hub.challenge"));
        let answer = self.0.handshake(mode, token, challenge).await.map_err(problem)?;
        Ok(text(StatusCode::OK, answer.to_owned()))
    }
}

fn acknowledge(received: Result<Receipt, ReceiptError>) -> Result<Response<Body>, Problem> {
    received.map(|_| json(StatusCode::OK, &json!({}))).map_err(problem)
}

fn problem(error: ReceiptError) -> Problem {
    match error {
        ReceiptError::NotAuthentic => Problem::not_authentic(),
        ReceiptError::NotKept(cause) => Problem::internal(cause),
    }
}
