//! A partner's server, a customer's page and whoever orders faults, over HTTP.

use partner_hub::ApiKey;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::settings::BACKEND_TOKEN;

/// Calls a local stack.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    origin: String,
}

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null if it is not JSON.
    pub body: Value,
}

/// What `POST /onboardings` answers.
#[derive(Debug, Clone, Deserialize)]
pub struct Started {
    /// The onboarding.
    pub id: String,
    /// The link for the customer.
    pub setup_url: String,
}

impl Started {
    /// The setup token, as the page reads it from the link.
    pub fn token(&self) -> &str {
        self.setup_url.rsplit_once('.').map_or("", |(_, token)| token)
    }
}

impl Client {
    /// For the stack that listens at `origin`.
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn new(origin: &str) -> Result<Self, Error> {
        Ok(Self { http: exchange::client()?, origin: origin.to_owned() })
    }

    /// Starts an onboarding for a customer that is called by its reference.
    ///
    /// # Errors
    /// If it is not started.
    pub async fn start(&self, reference: &str) -> Result<Started, Error> {
        let answer = self.post("/v1/onboardings", BACKEND_TOKEN, &start_body(reference)).await?;
        Ok(serde_json::from_value(answer.succeeded()?)?)
    }

    /// The full record with its history.
    ///
    /// # Errors
    /// If it is not shown.
    pub async fn record(&self, id: &str) -> Result<Value, Error> {
        self.get(&format!("/v1/onboardings/{id}"), BACKEND_TOKEN).await?.succeeded()
    }

    /// Makes a new setup link in place of the present one.
    ///
    /// # Errors
    /// If there is none.
    pub async fn renew_link(&self, id: &str) -> Result<Started, Error> {
        let answer = self.post(&format!("/v1/onboardings/{id}/link"), BACKEND_TOKEN, &json!({})).await?;
        Ok(serde_json::from_value(answer.succeeded()?)?)
    }

    /// Makes the setup link void, and those before it.
    ///
    /// # Errors
    /// If they still work.
    pub async fn revoke_link(&self, id: &str) -> Result<(), Error> {
        let request = self.request(Method::DELETE, &format!("/v1/onboardings/{id}/link"), BACKEND_TOKEN);
        self.send(request).await?.succeeded().map(drop)
    }

    /// Calls an onboarding off.
    ///
    /// # Errors
    /// If it goes on.
    pub async fn cancel(&self, id: &str) -> Result<(), Error> {
        let answer = self.post(&format!("/v1/onboardings/{id}/cancel"), BACKEND_TOKEN, &json!({})).await?;
        answer.succeeded().map(drop)
    }

    /// Plays Meta's popup to an end.
    ///
    /// # Errors
    /// If the simulator does not know the account or the outcome.
    pub async fn popup(&self, account: &str, outcome: &str) -> Result<Value, Error> {
        self.order("popup", &json!({ "account": account, "outcome": outcome })).await
    }

    /// Posts what the popup returned, as the page does.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn es_callback(&self, started: &Started, returned: &Value) -> Result<Answer, Error> {
        self.post(&format!("/v1/onboardings/{}/es-callback", started.id), started.token(), returned).await
    }

    /// Gives the simulator an order.
    ///
    /// # Errors
    /// If it cannot be carried out.
    pub async fn order(&self, route: &str, order: &Value) -> Result<Value, Error> {
        self.post(&format!("/simulator/{route}"), "", order).await?.succeeded()
    }

    /// What happened to the fakes.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn ledger(&self) -> Result<Value, Error> {
        self.get("/simulator/ledger", "").await?.succeeded()
    }

    /// Whether the messaging API accepts a key now.
    ///
    /// # Errors
    /// If there is no answer.
    #[expect(clippy::disallowed_methods, reason = "sent to the messaging API")]
    pub async fn key_works(&self, key: &ApiKey) -> Result<bool, Error> {
        let url = format!("{}/v1/configs/webhook", key.address.as_str().trim_end_matches('/'));
        let request = self.http.get(url).header("D360-API-KEY", key.api_key.expose_secret());
        Ok(request.send().await?.status().is_success())
    }

    /// `GET`, with a bearer token unless it is empty.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get(&self, path: &str, token: &str) -> Result<Answer, Error> {
        self.send(self.request(Method::GET, path, token)).await
    }

    /// `POST` of JSON, with a bearer token unless it is empty.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Answer, Error> {
        self.send(self.request(Method::POST, path, token).json(body)).await
    }

    /// A request that is built further before it is sent with [`Client::send`].
    pub fn request(&self, method: Method, path: &str, token: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: serde_json::from_slice(&response.bytes().await?).unwrap_or_default() })
    }
}

impl Answer {
    /// The body of a 2xx answer.
    ///
    /// # Errors
    /// Any other answer.
    pub fn succeeded(self) -> Result<Value, Error> {
        if (200..300).contains(&self.status) {
            Ok(self.body)
        } else {
            Err(format!("{}: {}", self.status, self.body).into())
        }
    }
}

/// The body of `POST /onboardings` for a customer that is called by its reference.
pub fn start_body(reference: &str) -> Value {
    json!({
        "reference": reference,
        "client": {
            "name": "Nordlicht Fahrrad GmbH",
            "email": format!("{reference}@nordlicht.example"),
            "user_name": "Lena Voss",
        },
    })
}
