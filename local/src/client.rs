//! A partner's server and a customer's page, over HTTP.

use local::Error;
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::outbound;

/// Calls the local stack.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
}

/// What `POST /onboardings` answers.
#[derive(Deserialize)]
pub(crate) struct Started {
    pub(crate) id: String,
    pub(crate) setup_url: String,
}

impl Started {
    /// The setup token, as the page reads it from the link.
    pub(crate) fn token(&self) -> &str {
        self.setup_url.rsplit_once('.').map_or("", |(_, token)| token)
    }
}

impl Client {
    pub(crate) fn new(origin: &str) -> Result<Self, Error> {
        Ok(Self { http: outbound::client()?, origin: origin.to_owned() })
    }

    /// Starts an onboarding.
    pub(crate) async fn start(&self, reference: &str) -> Result<Started, Error> {
        let body = json!({
            "reference": reference,
            "client": {
                "name": "Nordlicht Fahrrad GmbH",
                "email": format!("{reference}@nordlicht.example"),
                "user_name": "Lena Voss",
            },
        });
        let started = self.call(Method::POST, "/v1/onboardings", BACKEND_TOKEN, Some(&body)).await?;
        Ok(serde_json::from_value(started)?)
    }

    /// The full record with its history.
    pub(crate) async fn record(&self, id: &str) -> Result<Value, Error> {
        self.call(Method::GET, &format!("/v1/onboardings/{id}"), BACKEND_TOKEN, None).await
    }

    /// Posts what the popup returned, as the page does.
    pub(crate) async fn es_callback(&self, started: &Started, returned: &Value) -> Result<Value, Error> {
        let path = format!("/v1/onboardings/{}/es-callback", started.id);
        self.call(Method::POST, &path, started.token(), Some(returned)).await
    }

    /// Gives the simulator an order, or asks it.
    pub(crate) async fn simulator(&self, route: &str, order: Option<&Value>) -> Result<Value, Error> {
        let method = if order.is_some() { Method::POST } else { Method::GET };
        self.call(method, &format!("/simulator/{route}"), "", order).await
    }

    /// Whether the messaging API accepts a key now.
    pub(crate) async fn key_works(&self, address: &str, key: &str) -> Result<bool, Error> {
        let url = format!("{}/v1/configs/webhook", address.trim_end_matches('/'));
        Ok(self.http.get(url).header("D360-API-KEY", key).send().await?.status().is_success())
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Result<Value, Error> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.origin));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let answer: Value = response.json().await?;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(format!("{method} {path} answered {status}: {answer}").into())
        }
    }
}
