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

use crate::late_index::LateIndex;
use crate::support::disturbance::{Disturbance, Disturbances, INDEX_LAG};
use crate::support::fault_injection::{Failure, FaultInjection, Outcome, Place, SideEffect};

/// The table's name.
pub(crate) const TABLE: &str = "onboardings";

/// A database with the table, and two ways to it.
pub(crate) struct Table {
    /// For looking.
    pub(crate) plain: Client,
    /// Its calls pass the fault injection.
    pub(crate) faulty: Client,
    pub(crate) database: Database,
}

impl Table {
    pub(crate) async fn new(
        injection: &Arc<FaultInjection>,
        disturbances: &Arc<Disturbances>,
        clock: simulator::Clock,
    ) -> Self {
        let database = embedded_dynamodb::in_memory().unwrap();
        let plain = client(Connector { database: database.clone(), bench: None });
        let bench = Bench {
            injection: Arc::clone(injection),
            disturbances: Arc::clone(disturbances),
            index: Arc::default(),
            clock,
        };
        let faulty = client(Connector { database: database.clone(), bench: Some(bench) });
        schema::create_table(&plain, TABLE).await.unwrap();
        Self { plain, faulty, database }
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
    bench: Option<Bench>,
}

/// What makes calls fail, and the index late.
#[derive(Clone)]
struct Bench {
    injection: Arc<FaultInjection>,
    disturbances: Arc<Disturbances>,
    index: Arc<LateIndex>,
    clock: simulator::Clock,
}

impl Bench {
    fn milliseconds(&self) -> i64 {
        i64::try_from((self.clock)().unix_timestamp_nanos() / 1_000_000).unwrap()
    }
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
        let Some(Bench { injection, .. }) = &self.bench else { return Ok(self.carry_out(&exchange)) };
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
        let late = self.bench.as_ref().filter(|bench| bench.disturbances.has(Disturbance::IndexLate));
        if let Some(answer) = late.and_then(|bench| self.late_answer(bench, exchange)) {
            return response(200, answer.to_string().into_bytes());
        }
        let before: Vec<(Value, Value)> = match late {
            Some(_) => exchange.keys().into_iter().map(|key| (self.at(&key), key)).collect(),
            None => Vec::new(),
        };
        let (status, answer) = answer(&self.database, &exchange.operation, &exchange.body);
        if let Some(bench) = late.filter(|_| status == 200) {
            for (before, key) in before {
                bench.index.written(bench.milliseconds(), before, &key);
            }
        }
        response(status, answer)
    }

    /// What the index shows, which is what it was a while ago.
    fn late_answer(&self, bench: &Bench, exchange: &Exchange) -> Option<Value> {
        let query = Some(exchange.json()).filter(|query| query.get("IndexName").is_some())?;
        let mut whole = query.clone();
        for member in ["Limit", "Select", "ExclusiveStartKey"] {
            whole.as_object_mut()?.remove(member);
        }
        let (_, truth) = answer(&self.database, "Query", whole.to_string().as_bytes());
        let truth = serde_json::from_slice(&truth).ok()?;
        let lag = i64::try_from(INDEX_LAG.whole_milliseconds()).unwrap();
        bench.index.as_of(bench.milliseconds() - lag, &query, &truth)
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
        self.at(&key.unwrap_or_else(|| key_of(&json["Item"])))
    }

    /// The item with this key; null if there is none.
    fn at(&self, key: &Value) -> Value {
        let body = json!({"TableName": TABLE, "Key": key}).to_string();
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

    /// Such as `UpdateItem ONB SET lease_owner`, or `TransactWriteItems ONB NUMBER` by the writes that have a condition. An
    /// event's entry is an `EVT`, and how its telling goes a `DLV`.
    fn words(&self) -> String {
        let json = self.json();
        let kind = |about: &Value| {
            let key = ["Key", "Item"].iter().find_map(|at| about.get(*at));
            let word = |name| key?[name]["S"].as_str()?.split('#').next();
            let of_sort_key = |sk: &&str| ["EVT", "DLV", "ENDPOINT", "REPLAY"].contains(sk);
            word("sk").filter(of_sort_key).or(word("pk")).or(about["IndexName"].as_str()).unwrap_or_default().to_owned()
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

    /// The keys of the items that are written.
    fn keys(&self) -> Vec<Value> {
        let key = |write: &Value| write.get("Key").cloned().unwrap_or_else(|| key_of(&write["Item"]));
        match self.operation.as_str() {
            "TransactWriteItems" => self.writes().iter().map(key).collect(),
            "UpdateItem" | "PutItem" => vec![key(&self.json())],
            _ => Vec::new(),
        }
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

fn key_of(item: &Value) -> Value {
    json!({"pk": item["pk"], "sk": item["sk"]})
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
