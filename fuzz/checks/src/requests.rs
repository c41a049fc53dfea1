//! Requests as the functions get them, and a table that answers without one.

use std::sync::{Arc, LazyLock, Mutex};

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use event_bus::MemoryBus;
use exchange::Clock;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequestContext;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt, http};
use onboardings::Onboardings;
use queue::MemoryQueue;
use runtime::settings::Env;
use runtime::{Dependencies, Ports};
use secrets::{BundleSecret, HeaderKeys, MemorySecret, SealingKeys, WorkerSecret};
use serde_json::{Value, json};
use store::Store;
use time::Duration;
use vault::MemoryVault;

/// The back end's.
pub(crate) const BACKEND_TOKEN: &str = "made-up-back-end-token";

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());

/// Waits for an answer.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.block_on(work)
}

/// The settings.
pub(crate) fn env() -> Env {
    let settings = [
        ("HUB_PARTNER_ID", "mT6kWqPA"),
        ("SOLUTION_ID", "732190846521907"),
        ("META_CONFIG_ID", "905512374418"),
        ("META_APP_ID", "611538240974"),
        ("RETURN_URL_ORIGINS", "https://partner.example"),
        ("PUBLIC_URL", "https://signup.partner.example/v1"),
    ];
    Env::new(settings.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// A request by a route of the API.
pub(crate) fn request(method: &str, route: &str) -> Request {
    let mut context = ApiGatewayProxyRequestContext::default();
    context.resource_path = Some(route.to_owned());
    let request = http::Request::builder().method(method).body(lambda_http::Body::Empty).unwrap();
    request.with_request_context(RequestContext::ApiGatewayV1(context))
}

/// Every call of the table, and the one item that it has.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Operations and their bodies.
    pub(crate) calls: Vec<(String, Value)>,
    /// The item that every start writes.
    pub(crate) record: Value,
}

/// Answers the SDK's requests from the table.
#[derive(Debug, Clone)]
struct Connector(Arc<Mutex<Table>>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let mut table = self.0.lock().unwrap();
        let answer = match operation.as_str() {
            "TransactWriteItems" => {
                // That a link was opened is an update, and is forgotten here.
                if let Some(record) = body.pointer("/TransactItems/0/Put/Item") {
                    table.record = record.clone();
                }
                json!({})
            }
            "GetItem" if body["Key"]["pk"] == table.record["pk"] => json!({ "Item": table.record }),
            // That the page was looked at is an update, and is forgotten, too.
            "GetItem" | "UpdateItem" => json!({}),
            "Query" => json!({ "Items": [], "Count": 0, "ScannedCount": 0 }),
            other => panic!("an operation that is not expected: {other}"),
        };
        table.calls.push((operation, body));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), answer.to_string().into())))
    }
}

/// The function, with a table that keeps the record last started and has no other.
pub(crate) fn onboardings() -> (Onboardings, Arc<Mutex<Table>>) {
    let table = Arc::new(Mutex::new(Table::default()));
    let connector = SharedHttpConnector::new(Connector(Arc::clone(&table)));
    let http: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url("http://127.0.0.1:1")
        .http_client(http)
        .build();
    let clock = Clock::system();
    let secret = json!({
        "backend_token": BACKEND_TOKEN,
        "platform_secret": "made-up-platform-secret",
        "meta_app_secret": "made-up-app-secret",
        "meta_verify_token": "made-up-verify-token",
    });
    let worker = json!({ "hub_api_key": "made-up-hub-key", "hub_token_key": "made-up-token-key" });
    let ports = Ports {
        store: Store::new(aws_sdk_dynamodb::Client::from_conf(config), "table".to_owned(), clock.clone()),
        queue: Arc::new(MemoryQueue::new(clock.clone(), Duration::seconds(60), 5)),
        bus: Arc::new(MemoryBus::default()),
        vault: Arc::new(MemoryVault::new("stack")),
        bundle: Arc::new(MemorySecret::new(BundleSecret::parse(&secret.to_string()).unwrap())),
        worker: Arc::new(MemorySecret::new(WorkerSecret::parse(&worker.to_string()).unwrap())),
        sealing: Arc::new(MemorySecret::new(SealingKeys::parse(r#"{"key": "made-up-sealing-key"}"#).unwrap())),
        header_keys: Arc::new(MemorySecret::new(HeaderKeys::parse(r#"{"key": "made-up-header-key"}"#).unwrap())),
    };
    let settings = onboardings::Settings::read(&mut env()).unwrap_or_else(|_| panic!("settings"));
    let function = Onboardings::new(&Dependencies::given(ports, exchange::client().unwrap(), clock), settings);
    (function, table)
}
