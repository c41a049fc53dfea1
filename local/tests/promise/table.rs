//! The table with fault injection: the real SDK on an embedded DynamoDB, through a connector that can fail.
//!
//! The connector hands the SDK's requests to the database without a socket between, which takes half the time and
//! leaves nothing to chance: who takes turns with whom is the same every time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use embedded_dynamodb::Database;
use serde_json::{Value, json};
use store::schema;

use crate::fault_injection::{Failure, FaultInjection, Outcome, Place, SideEffect};

/// The table's name.
pub(crate) const TABLE: &str = "onboardings";

/// A database with the table, and two ways to it.
pub(crate) struct Table {
    /// For looking.
    pub(crate) plain: Client,
    /// Its calls pass the fault injection.
    pub(crate) faulty: Client,
    database: Database,
}

impl Table {
    pub(crate) async fn new(injection: &Arc<FaultInjection>) -> Self {
        let database = Database::memory().unwrap();
        let plain = client(Connector { database: database.clone(), injection: None });
        let faulty = client(Connector { database: database.clone(), injection: Some(Arc::clone(injection)) });
        schema::create_table(&plain, TABLE).await.unwrap();
        Self { plain, faulty, database }
    }

    /// When the first item is due, in milliseconds since 1970.
    pub(crate) fn first_due(&self) -> Option<i64> {
        let query = json!({
            "TableName": TABLE,
            "IndexName": schema::BY_DUE,
            "KeyConditionExpression": "due = :due",
            "ExpressionAttributeValues": {":due": {"S": "DUE"}},
            "Limit": 1,
        });
        let (_, found) = answer(&self.database, "Query", query.to_string().as_bytes());
        let found: Value = serde_json::from_slice(&found).unwrap();
        found.pointer("/Items/0/due_at/N")?.as_str()?.parse().ok()
    }
}

fn client(connector: Connector) -> Client {
    let connector = SharedHttpConnector::new(connector);
    let http: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        // As many tries as deployed, with waits that a test does not notice.
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1)))
        .endpoint_url("http://127.0.0.1")
        .http_client(http)
        .build();
    Client::from_conf(config)
}

#[derive(Clone)]
struct Connector {
    database: Database,
    injection: Option<Arc<FaultInjection>>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move { connector.exchange(Exchange::read(&request)).await })
    }
}

impl Connector {
    async fn exchange(&self, exchange: Exchange) -> Result<HttpResponse, ConnectorError> {
        // Others get their turn, as if there were a network.
        tokio::task::yield_now().await;
        let Some(injection) = &self.injection else { return Ok(self.carry_out(&exchange)) };
        let mut outcome = injection.leaving(Place::Table, exchange.words());
        if let Outcome::Fail(Failure::ConditionLost(number), _) = outcome
            && !self.can_lose(&exchange, number)
        {
            injection.withdraw_last();
            outcome = Outcome::Pass;
        }
        let answer = match outcome {
            Outcome::Crash(SideEffect::None) | Outcome::Fail(_, SideEffect::None) => None,
            _ => Some(self.carry_out(&exchange)),
        };
        tokio::task::yield_now().await;
        match (outcome, answer) {
            (Outcome::Pass, Some(answer)) => Ok(answer),
            (Outcome::Crash(_), _) => injection.crash().await,
            (Outcome::Fail(Failure::Status(_), _), _) => Ok(refusal(500, "InternalServerError", json!({}))),
            (Outcome::Fail(Failure::Throttled, _), _) => Ok(refusal(400, "ThrottlingException", json!({}))),
            (Outcome::Fail(Failure::ConditionLost(number), _), _) => Ok(self.condition_lost(&exchange, number)),
            (Outcome::Fail(Failure::Conflict, _), _) => Ok(exchange.conflict()),
            _ => Err(ConnectorError::io("closed as planned".into())),
        }
    }

    fn carry_out(&self, exchange: &Exchange) -> HttpResponse {
        let (status, answer) = answer(&self.database, &exchange.operation, &exchange.body);
        response(status, answer)
    }

    /// Whether this condition of the request can fail because of others: a single item must be there for that.
    fn can_lose(&self, exchange: &Exchange, number: usize) -> bool {
        match exchange.operation.as_str() {
            "TransactWriteItems" => number < exchange.conditional().len(),
            _ => number == 0 && exchange.json().get("ConditionExpression").is_some() && !self.item(exchange).is_null(),
        }
    }

    /// What DynamoDB says when somebody else wrote first, with the item as it is.
    fn condition_lost(&self, exchange: &Exchange, number: usize) -> HttpResponse {
        match exchange.operation.as_str() {
            "TransactWriteItems" => exchange.cancelled("ConditionalCheckFailed", exchange.conditional()[number]),
            _ => refusal(400, "ConditionalCheckFailedException", json!({"Item": self.item(exchange)})),
        }
    }

    /// The item that the request is about; null if there is none.
    fn item(&self, exchange: &Exchange) -> Value {
        let json = exchange.json();
        let key = json.get("Key").cloned();
        let key = key.unwrap_or_else(|| json!({"pk": json["Item"]["pk"], "sk": json["Item"]["sk"]}));
        let body = json!({"TableName": json["TableName"], "Key": key}).to_string();
        let (_, answer) = answer(&self.database, "GetItem", body.as_bytes());
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer.get("Item").cloned().unwrap_or_default()
    }
}

fn answer(database: &Database, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
    embedded_dynamodb::answer(database, operation, body).unwrap_or_else(|| panic!("{operation} is not known here"))
}

/// A request of the SDK's.
struct Exchange {
    operation: String,
    body: Vec<u8>,
}

impl Exchange {
    fn read(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        Self {
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Such as `UpdateItem ONB SET lease_owner`, or `TransactWriteItems ONB NUMBER` by the writes that have a condition.
    fn words(&self) -> String {
        let json = self.json();
        let kind = |about: &Value| {
            let pk = ["/Key/pk/S", "/Item/pk/S"].iter().find_map(|at| about.pointer(at)?.as_str());
            pk.and_then(|pk| pk.split('#').next()).or(about["IndexName"].as_str()).unwrap_or_default().to_owned()
        };
        let mut words = vec![self.operation.clone()];
        if self.operation == "TransactWriteItems" {
            let writes = self.writes();
            words.extend(self.conditional().into_iter().map(|position| kind(&writes[position])));
        } else {
            words.push(kind(&json));
        }
        if let Some(expression) = json["UpdateExpression"].as_str() {
            words.extend(expression.split([' ', ',']).take(2).map(str::to_owned));
        }
        words.join(" ").trim_end().to_owned()
    }

    /// The writes of a transaction.
    fn writes(&self) -> Vec<Value> {
        let json = self.json();
        let writes = json["TransactItems"].as_array().into_iter().flatten();
        writes.filter_map(|write| write.as_object()?.values().next().cloned()).collect()
    }

    /// The positions of a transaction's writes that have a condition.
    fn conditional(&self) -> Vec<usize> {
        let writes = self.writes();
        (0..writes.len()).filter(|position| writes[*position].get("ConditionExpression").is_some()).collect()
    }

    /// Another transaction is under way.
    fn conflict(&self) -> HttpResponse {
        match self.operation.as_str() {
            "TransactWriteItems" => self.cancelled("TransactionConflict", 0),
            "UpdateItem" | "PutItem" => refusal(400, "TransactionConflictException", json!({})),
            _ => refusal(500, "InternalServerError", json!({})),
        }
    }

    /// The transaction is cancelled because of the write at this position.
    fn cancelled(&self, code: &str, position: usize) -> HttpResponse {
        let reason = |n: usize| json!({"Code": if n == position { code } else { "None" }});
        let reasons: Vec<Value> = (0..self.writes().len()).map(reason).collect();
        refusal(400, "TransactionCanceledException", json!({"CancellationReasons": reasons}))
    }
}

fn refusal(status: u16, code: &str, mut body: Value) -> HttpResponse {
    body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
    body["message"] = json!("as planned");
    response(status, body.to_string().into_bytes())
}

fn response(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), body.into());
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
