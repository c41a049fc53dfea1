//! The deployed API and the simulator, over HTTP.

use serde_json::{Value, json};
use shared::outbound;

use crate::Error;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null if it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The body, if the status is this one.
    ///
    /// # Errors
    /// Any other status.
    pub fn with(self, status: u16) -> Result<Value, Error> {
        if self.status == status { Ok(self.body) } else { Err(format!("{}: {}", self.status, self.body).into()) }
    }
}

/// What `POST /onboardings` answered.
#[derive(Debug, Clone)]
pub struct Started {
    /// The onboarding.
    pub id: String,
    /// The setup token in its link.
    pub token: String,
}

/// Calls the API of the stack, and gives the simulator orders.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    simulator: String,
    backend_token: String,
}

impl Api {
    /// The API at `url` (with its stage), the simulator at `simulator`.
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn new(url: &str, simulator: &str, backend_token: &str) -> Result<Self, Error> {
        let [url, simulator, backend_token] = [url, simulator, backend_token].map(ToOwned::to_owned);
        Ok(Self { http: outbound::client()?, url, simulator, backend_token })
    }

    /// Starts an onboarding for a customer that is called by its reference.
    ///
    /// # Errors
    /// If it is not started.
    pub async fn start(&self, reference: &str) -> Result<Started, Error> {
        let customer = json!({ "name": "Nordlicht Fahrrad GmbH", "email": format!("{reference}@nordlicht.example"), "user_name": "Lena Voss" });
        let body = json!({ "reference": reference, "client": customer });
        let started = self.post("/onboardings", &self.backend_token, &body).await?.with(201)?;
        let (id, url) = (started["id"].as_str().unwrap_or_default(), started["setup_url"].as_str().unwrap_or_default());
        let token = url.rsplit_once('.').ok_or("no token in the setup link")?.1;
        Ok(Started { id: id.to_owned(), token: token.to_owned() })
    }

    /// Starts an onboarding and finishes Meta's popup with an account of the simulator. Returns the code too.
    ///
    /// # Errors
    /// If the signup is refused.
    pub async fn sign_up(&self, reference: &str, account: &str) -> Result<(Started, String), Error> {
        let started = self.start(reference).await?;
        let popup = self.order("popup", &json!({ "account": account })).await?;
        let path = format!("/onboardings/{}/es-callback", started.id);
        self.post(&path, &started.token, &popup).await?.with(200)?;
        Ok((started, popup["code"].as_str().unwrap_or_default().to_owned()))
    }

    /// The full record.
    ///
    /// # Errors
    /// If it is not shown.
    pub async fn record(&self, id: &str) -> Result<Value, Error> {
        self.get(&format!("/onboardings/{id}"), &self.backend_token).await?.with(200)
    }

    /// Gives the simulator an order.
    ///
    /// # Errors
    /// If it cannot be carried out.
    pub async fn order(&self, route: &str, order: &Value) -> Result<Value, Error> {
        let request = self.http.post(format!("{}/simulator/{route}", self.simulator)).json(order);
        send(request).await?.with(200)
    }

    /// What happened to the fakes.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn ledger(&self) -> Result<Value, Error> {
        send(self.http.get(format!("{}/simulator/ledger", self.simulator))).await?.with(200)
    }

    /// `GET`, with a bearer token unless it is empty.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get(&self, path: &str, token: &str) -> Result<Answer, Error> {
        send(with_token(self.http.get(format!("{}{path}", self.url)), token)).await
    }

    /// `POST` of JSON, with a bearer token unless it is empty.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Answer, Error> {
        send(with_token(self.http.post(format!("{}{path}", self.url)), token).json(body)).await
    }
}

fn with_token(request: reqwest::RequestBuilder, token: &str) -> reqwest::RequestBuilder {
    if token.is_empty() { request } else { request.bearer_auth(token) }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Answer, Error> {
    let response = request.timeout(std::time::Duration::from_secs(40)).send().await?;
    let status = response.status().as_u16();
    Ok(Answer { status, body: serde_json::from_slice(&response.bytes().await?).unwrap_or_default() })
}
