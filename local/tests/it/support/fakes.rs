//! What tests order from the fakes and read from them: faults, settings, calls. And the schedule of reconciliation.

use local::client::{Answer, Started};
use local::settings::BACKEND_TOKEN;
use onboarding::Class;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use workflow::Reconciled;

use crate::support::TestBench;

/// Every route of the Hub that an onboarding may need.
pub(crate) const HUB_ROUTES: [&str; 5] = ["list_clients", "create_client", "numbers", "list_channels", "api_keys"];
/// The schedule of reconciliation.
pub(crate) const SCHEDULE: Duration = Duration::minutes(5);

impl TestBench {
    /// With the Hub's limit switched off, for tests that are not about it.
    pub(crate) async fn unlimited() -> Self {
        let mut options = local::Options::default();
        options.simulator.behavior.rate_limit = None;
        Self::with(options).await
    }

    /// Orders one fault or an array of them.
    pub(crate) async fn fault(&self, fault: Value) {
        self.client.order("faults", &fault).await.unwrap();
    }

    /// Makes every call to these routes go wrong until [`Self::mend`]. `how` is a fault without route and times.
    pub(crate) async fn break_routes(&self, routes: &[&str], how: &Value) {
        for route in routes {
            let mut fault = how.clone();
            fault["route"] = json!(route);
            fault["times"] = json!(1_000_000);
            self.fault(fault).await;
        }
    }

    /// Forgets the faults that are pending.
    pub(crate) async fn mend(&self) {
        let request = self.client.request(Method::DELETE, "/simulator/faults", "");
        assert_eq!(self.client.send(request).await.unwrap().status, 200);
    }

    pub(crate) async fn change(&self, settings: Value) {
        self.client.order("settings", &settings).await.unwrap();
    }

    /// Lets time pass with reconciliation on its schedule. Of the runs in which nothing is due for it, one an hour is made.
    pub(crate) async fn live_on_schedule(&self, time: Duration) {
        let end = self.now() + time;
        let mut last = self.now();
        while self.now() < end {
            // On the heap, as below: all that the workers do is in it, and tests are deep already.
            Box::pin(self.live_through(SCHEDULE)).await;
            let now = self.now();
            let is_due = self.stack.first_due(Class::Reconciliation).is_some_and(|due| due <= now);
            if is_due || now >= end || now - last >= Duration::HOUR {
                self.reconcile().await;
                last = now;
            }
        }
        Box::pin(self.settle()).await;
    }

    /// One run of reconciliation.
    pub(crate) async fn reconcile(&self) -> Reconciled {
        Box::pin(self.stack.functions.reconciliation.handle(None)).await.unwrap()
    }

    /// The operator's retry.
    pub(crate) async fn retry(&self, started: &Started) -> Answer {
        self.retry_with(started, &json!({})).await
    }

    /// The operator's retry with a body.
    pub(crate) async fn retry_with(&self, started: &Started, body: &Value) -> Answer {
        self.client.post(&format!("/v1/onboardings/{}/retry", started.id), BACKEND_TOKEN, body).await.unwrap()
    }

    /// What the page sees.
    pub(crate) async fn setup_view(&self, started: &Started) -> Answer {
        self.client.get(&format!("/v1/onboardings/{}", started.id), started.token()).await.unwrap()
    }

    /// The calls to a route of the fakes, in order.
    pub(crate) async fn calls_of(&self, route: &str) -> Vec<Value> {
        self.calls_that(|call| call["route"] == route).await
    }

    /// The calls to the Hub, in order.
    pub(crate) async fn hub_calls(&self) -> Vec<Value> {
        self.calls_that(|call| call["service"] == "hub").await
    }

    /// The routes of these calls.
    pub(crate) async fn hub_routes(&self) -> Vec<String> {
        self.hub_calls().await.iter().map(|call| call["route"].as_str().unwrap().to_owned()).collect()
    }

    async fn calls_that(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let ledger = self.client.ledger().await.unwrap();
        ledger["calls"].as_array().unwrap().iter().filter(|call| wanted(call)).cloned().collect()
    }

    /// How many API keys the fake Hub accepts now.
    pub(crate) async fn valid_keys(&self) -> usize {
        let ledger = self.client.ledger().await.unwrap();
        ledger["keys"].as_array().unwrap().iter().filter(|key| key["valid"] == true).count()
    }

    /// Calls the fake Hub as somebody else who has the partner's credentials, and returns its answer.
    pub(crate) async fn post_to_hub(&self, path: &str, body: &Value) -> Value {
        let fake = simulator::Settings::default();
        let url = format!("{}/partners/{}/{path}", self.stack.simulator.hub_url(), fake.partner_id);
        let request = exchange::client().unwrap().post(url).header("x-api-key", fake.api_key).json(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.unwrap()
    }

    /// A channel, and its key, that somebody at 360dialog made by hand for the number of an account at Meta. `client`: of
    /// another client account, or of this one.
    pub(crate) async fn made_by_hand(&self, account: &str, client: Option<&Value>, key: bool) -> (Value, Value) {
        let order = match client {
            Some(client) => json!({"account": account, "client_id": client, "key": key}),
            None => json!({"account": account, "key": key}),
        };
        let made = self.client.post("/simulator/channels", "", &order).await.unwrap();
        assert!(made.status < 300, "{}", made.body);
        (made.body["channel"].clone(), made.body["key"].clone())
    }

    /// The keys of a channel that the fake Hub accepts now.
    pub(crate) async fn keys_of(&self, channel_id: &Value) -> Vec<Value> {
        let ledger = self.client.ledger().await.unwrap();
        let valid = |key: &&Value| key["channel_id"] == *channel_id && key["valid"] == true;
        ledger["keys"].as_array().unwrap().iter().filter(valid).cloned().collect()
    }

    /// Makes a client account at the fake Hub, as another system of the partner would. Returns its id.
    pub(crate) async fn make_client(&self, email: &str) -> String {
        let body = json!({ "name": "Another one", "email": email, "user_name": "Jo" });
        self.post_to_hub("account_sharing/clients", &body).await["id"].as_str().unwrap().to_owned()
    }
}
