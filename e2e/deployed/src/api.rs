//! The deployed API and the simulator, over HTTP.

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::Error;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; a text if it is not JSON.
    pub body: Value,
}

impl Answer {
    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body, if the status is this one.
    ///
    /// # Errors
    /// Any other status.
    pub fn with(self, status: u16) -> Result<Value, Error> {
        if self.status == status { Ok(self.body) } else { Err(format!("{}: {}", self.status, self.body).into()) }
    }
}

/// What `POST /onboardings` answered.
#[derive(Clone, Deserialize)]
pub struct Started {
    /// The onboarding.
    pub id: String,
    /// The link for the customer.
    pub setup_url: String,
    /// When the link runs out.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

impl Started {
    /// The setup token in the link.
    pub fn token(&self) -> &str {
        self.setup_url.rsplit_once('.').map_or("", |(_, token)| token)
    }
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
        Ok(Self { http: exchange::client()?, url, simulator, backend_token })
    }

    /// Starts an onboarding for a customer that is called by its reference.
    ///
    /// # Errors
    /// If it is not started.
    pub async fn start(&self, reference: &str) -> Result<Started, Error> {
        self.start_with(reference, &json!({})).await
    }

    /// The same, with more members.
    ///
    /// # Errors
    /// If it is not started.
    pub async fn start_with(&self, reference: &str, more: &Value) -> Result<Started, Error> {
        let customer = json!({ "name": "Nordlicht Fahrrad GmbH", "email": format!("{reference}@nordlicht.example"), "user_name": "Lena Voss" });
        let mut body = json!({ "reference": reference, "client": customer });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more.clone());
        }
        let started = self.post("/onboardings", &self.backend_token, &body).await?.with(201)?;
        Ok(serde_json::from_value(started)?)
    }

    /// Starts an onboarding and finishes Meta's popup with an account of the simulator.
    ///
    /// # Errors
    /// If the signup is refused.
    pub async fn sign_up(&self, reference: &str, account: &str) -> Result<Started, Error> {
        let started = self.start(reference).await?;
        self.return_from_popup(&started, account).await?.with(200)?;
        Ok(started)
    }

    /// Finishes Meta's popup with an account of the simulator and hands over what it returned.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn return_from_popup(&self, started: &Started, account: &str) -> Result<Answer, Error> {
        let returned = self.order("popup", &json!({ "account": account })).await?;
        self.post(&format!("/onboardings/{}/es-callback", started.id), started.token(), &returned).await
    }

    /// Wants something of an onboarding: `link`, `cancel`, `disconnect`, `reconnect` or `rotate-key`.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn want(&self, started: &Started, what: &str) -> Result<Answer, Error> {
        self.post(&format!("/onboardings/{}/{what}", started.id), &self.backend_token, &json!({})).await
    }

    /// Takes the setup link of an onboarding back.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn revoke_link(&self, started: &Started) -> Result<Answer, Error> {
        let request = self.http.delete(format!("{}/onboardings/{}/link", self.url, started.id));
        send(with_token(request, &self.backend_token)).await
    }

    /// Erases what is personal of an onboarding.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn erase(&self, started: &Started) -> Result<Answer, Error> {
        let request = self.http.delete(format!("{}/onboardings/{}", self.url, started.id));
        send(with_token(request, &self.backend_token)).await
    }

    /// All that is kept about an onboarding.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn export(&self, started: &Started) -> Result<Answer, Error> {
        self.get(&format!("/onboardings/{}/export", started.id), &self.backend_token).await
    }

    /// Begins an import. Returns its id.
    ///
    /// # Errors
    /// If it is not taken.
    pub async fn import(&self, body: &Value) -> Result<String, Error> {
        let begun = self.post("/imports", &self.backend_token, body).await?.with(202)?;
        Ok(begun["id"].as_str().unwrap_or_default().to_owned())
    }

    /// How far an import is.
    ///
    /// # Errors
    /// If it is not found.
    pub async fn imported(&self, id: &str) -> Result<Value, Error> {
        self.get(&format!("/imports/{id}"), &self.backend_token).await?.with(200)
    }

    /// Has a failed step tried again.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn retry(&self, started: &Started, body: &Value) -> Result<Answer, Error> {
        self.post(&format!("/onboardings/{}/retry", started.id), &self.backend_token, body).await
    }

    /// Gives a signup that Meta reported to an onboarding.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn claim(&self, started: &Started, claim: &Value) -> Result<Answer, Error> {
        self.post(&format!("/onboardings/{}/claim", started.id), &self.backend_token, claim).await
    }

    /// The signups that nobody has.
    ///
    /// # Errors
    /// If they are not shown.
    pub async fn unclaimed(&self) -> Result<Value, Error> {
        self.get("/signups?state=unclaimed", &self.backend_token).await?.with(200)
    }

    /// The events that the feed lists after this one; all for an empty id.
    ///
    /// # Errors
    /// If they are not shown, or the feed does not end.
    pub async fn events(&self, after: &str) -> Result<Vec<Value>, Error> {
        let (mut events, mut cursor) = (Vec::new(), after.to_owned());
        loop {
            let place = if cursor.is_empty() { String::new() } else { format!("&after={cursor}") };
            let page = self.get(&format!("/events?limit=100{place}"), &self.backend_token).await?.with(200)?;
            events.extend(page["events"].as_array().into_iter().flatten().cloned());
            if page["has_more"] != true {
                return Ok(events);
            }
            let next = page["cursor"].as_str().unwrap_or_default();
            if next <= cursor.as_str() {
                return Err(format!("after {cursor} the feed goes on at {next}").into());
            }
            next.clone_into(&mut cursor);
        }
    }

    /// Has the events after this one sent to the webhook once more.
    ///
    /// # Errors
    /// If they are not.
    pub async fn replay_events(&self, after: &str) -> Result<(), Error> {
        self.post("/events/replay", &self.backend_token, &json!({ "after": after })).await?.with(202).map(drop)
    }

    /// Has a test event sent. Returns its id.
    ///
    /// # Errors
    /// If it is not.
    pub async fn send_test_event(&self) -> Result<String, Error> {
        let sent = self.post("/events/test", &self.backend_token, &json!({})).await?.with(202)?;
        Ok(sent["id"].as_str().ok_or_else(|| format!("no id: {sent}"))?.to_owned())
    }

    /// The full record.
    ///
    /// # Errors
    /// If it is not shown.
    pub async fn record(&self, id: &str) -> Result<Value, Error> {
        self.get(&format!("/onboardings/{id}"), &self.backend_token).await?.with(200)
    }

    /// A page of records.
    ///
    /// # Errors
    /// If it is not shown.
    pub async fn list(&self, query: &str) -> Result<Value, Error> {
        self.get(&format!("/onboardings{query}"), &self.backend_token).await?.with(200)
    }

    /// Gives the simulator an order.
    ///
    /// # Errors
    /// If it cannot be carried out.
    pub async fn order(&self, route: &str, order: &Value) -> Result<Value, Error> {
        let request = self.http.post(format!("{}/simulator/{route}", self.simulator)).json(order);
        send(request).await?.with(200)
    }

    /// The faults that were ordered and have not been played.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn pending_faults(&self) -> Result<Value, Error> {
        let told = send(self.http.get(format!("{}/simulator/faults", self.simulator))).await?.with(200)?;
        Ok(told["pending"].clone())
    }

    /// Forgets the faults that are pending.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn mend(&self) -> Result<(), Error> {
        send(self.http.delete(format!("{}/simulator/faults", self.simulator))).await?.with(200).map(drop)
    }

    /// What happened to the fakes.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn ledger(&self) -> Result<Value, Error> {
        send(self.http.get(format!("{}/simulator/ledger", self.simulator))).await?.with(200)
    }

    /// `GET` with one more header.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get_with(&self, path: &str, header: &str, value: &str) -> Result<Answer, Error> {
        send(self.http.get(format!("{}{path}", self.url)).header(header, value)).await
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

    /// `POST` of a body that must arrive byte for byte, with one header.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn post_as_it_is(&self, path: &str, header: &str, value: &str, body: &str) -> Result<Answer, Error> {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        send(request.header(header, value).body(body.to_owned())).await
    }
}

fn with_token(request: reqwest::RequestBuilder, token: &str) -> reqwest::RequestBuilder {
    if token.is_empty() { request } else { request.bearer_auth(token) }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Answer, Error> {
    let response = request.timeout(std::time::Duration::from_secs(40)).send().await?;
    let status = response.status().as_u16();
    let (headers, bytes) = (response.headers().clone(), response.bytes().await?);
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    Ok(Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) })
}
