//! A request without a token or signature costs at most one read of the table: no write, no call of the Hub or Meta.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client as Dynamo;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use local::client::{Client, start_body};
use local::gateway;
use queue::QueueName;
use reqwest::Method;
use runtime::Ports;
use serde_json::{Value, json};
use store::{Store, schema};
use tokio::net::TcpListener;

use crate::support::TestBench;
use crate::support::replies::send;

const TABLE: &str = "counted";
const UNKNOWN: &str = "onb_01890000000070008000000000000000";

/// Counts the table's operations.
#[derive(Debug, Clone, Default)]
struct Operations(Arc<Mutex<Vec<String>>>);

impl Operations {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Intercept for Operations {
    fn name(&self) -> &'static str {
        "operations"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        self.0.lock().unwrap().push(target.rsplit('.').next().unwrap_or_default().to_owned());
        Ok(())
    }
}

/// A table of its own whose operations are counted.
async fn counted(bench: &TestBench, operations: Operations) -> Store {
    let endpoint = embedded_dynamodb::serve(embedded_dynamodb::in_memory().unwrap()).await.unwrap();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(exchange::aws_sdk::http_client(exchange::client().unwrap()))
        .interceptor(operations)
        .build();
    let client = Dynamo::from_conf(config);
    schema::create_table(&client, TABLE).await.unwrap();
    Store::new(client, TABLE.to_owned(), bench.stack.twins.clock.clone())
}

/// The bench's API on the table whose operations are counted.
async fn api(bench: &TestBench, store: Store) -> Client {
    let functions = bench.stack.functions_on(Ports { store, ..Ports::from(&bench.stack.twins) }).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = gateway::router(Arc::new(functions));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Client::new(&origin).unwrap()
}

/// Every route of the API, by its template, with an id and a body that would be taken.
fn routes(id: &str) -> Vec<(Method, &'static str, String, Value)> {
    let onboarding = |rest: &str| format!("/v1/onboardings/{id}{rest}");
    vec![
        (Method::GET, "/signup", "/v1/signup".to_owned(), Value::Null),
        (Method::HEAD, "/signup", "/v1/signup".to_owned(), Value::Null),
        (Method::GET, "/signup/return", format!("/v1/signup/return?state={id}&client=hT3mVxCL"), Value::Null),
        (Method::HEAD, "/signup/return", "/v1/signup/return".to_owned(), Value::Null),
        (Method::GET, "/signup/{asset}", "/v1/signup/page.js".to_owned(), Value::Null),
        (Method::HEAD, "/signup/{asset}", "/v1/signup/page.js".to_owned(), Value::Null),
        (Method::GET, "/{proxy+}", format!("/v1/signup%23{id}.x"), Value::Null),
        (Method::HEAD, "/{proxy+}", "/v1/signup/".to_owned(), Value::Null),
        (Method::POST, "/onboardings", "/v1/onboardings".to_owned(), start_body("tenant-2")),
        (Method::GET, "/onboardings", "/v1/onboardings?reference=tenant-1".to_owned(), Value::Null),
        (Method::GET, "/onboardings/{id}", onboarding(""), Value::Null),
        (Method::POST, "/onboardings/{id}/number", onboarding("/number"), json!({"phone_number_id": "51234567890"})),
        (Method::POST, "/onboardings/{id}/retry", onboarding("/retry"), json!({})),
        (Method::POST, "/onboardings/{id}/link", onboarding("/link"), json!({})),
        (Method::DELETE, "/onboardings/{id}/link", onboarding("/link"), Value::Null),
        (Method::POST, "/onboardings/{id}/cancel", onboarding("/cancel"), json!({})),
        (Method::POST, "/onboardings/{id}/disconnect", onboarding("/disconnect"), json!({})),
        (Method::POST, "/onboardings/{id}/reconnect", onboarding("/reconnect"), json!({})),
        (Method::POST, "/onboardings/{id}/rotate-key", onboarding("/rotate-key"), json!({})),
        (Method::GET, "/onboardings/{id}/export", onboarding("/export"), Value::Null),
        (Method::DELETE, "/onboardings/{id}", onboarding(""), Value::Null),
        (Method::POST, "/onboardings/{id}/es-callback", onboarding("/es-callback"), json!({"code": "AQmade-up-code"})),
        (
            Method::POST,
            "/onboardings/{id}/claim",
            onboarding("/claim"),
            json!({"waba_id": "409812357760143", "phone_number_id": "512904417735201"}),
        ),
        (Method::GET, "/signups", "/v1/signups?state=unclaimed".to_owned(), Value::Null),
        (Method::POST, "/imports", "/v1/imports".to_owned(), json!({"dry_run": true})),
        (Method::GET, "/imports/{id}", "/v1/imports/imp_01890000000070008000000000000000".to_owned(), Value::Null),
        (Method::GET, "/events", "/v1/events".to_owned(), Value::Null),
        (
            Method::POST,
            "/events/replay",
            "/v1/events/replay".to_owned(),
            json!({"after": "01a1a0b0-c129-7000-8000-00000000000a"}),
        ),
        (Method::POST, "/events/test", "/v1/events/test".to_owned(), Value::Null),
        (
            Method::POST,
            "/webhooks/partner-hub",
            "/v1/webhooks/partner-hub".to_owned(),
            json!({"event": "channel_live"}),
        ),
        (
            Method::GET,
            "/webhooks/meta",
            "/v1/webhooks/meta?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1".to_owned(),
            Value::Null,
        ),
        (Method::POST, "/webhooks/meta", "/v1/webhooks/meta".to_owned(), json!({"object": "x", "entry": []})),
    ]
}

#[test]
fn the_unauthenticated_requests_cover_all_routes_of_the_api() {
    let document: Value = serde_saphyr::from_str(include_str!("../../../../docs/openapi.yaml")).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let mut documented: Vec<String> = paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            let methods = methods.filter(|method| ["get", "head", "post", "delete"].contains(&method.as_str()));
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let mut here: Vec<String> = routes("x").iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    documented.sort();
    here.sort();
    assert_eq!(here, documented);
}

#[tokio::test]
async fn an_unauthenticated_request_costs_at_most_one_table_read_and_no_call_to_hub_or_meta() {
    let bench = TestBench::new().await;
    let operations = Operations::default();
    let store = counted(&bench, operations.clone()).await;
    let api = api(&bench, store).await;
    let started = api.start("tenant-1").await.unwrap();
    assert_eq!(operations.take().last().unwrap(), "TransactWriteItems", "nothing is counted");

    let asked = bench.client.ledger().await.unwrap()["calls"].clone();
    let waiting = QueueName::all().map(|name| bench.stack.twins.queue.len(name)).collect::<Vec<_>>();
    let nearly = format!("{}x", started.token());
    let signatures =
        [("x-360dialog-signature", "0".repeat(64)), ("x-hub-signature-256", format!("sha256={}", "0".repeat(64)))];
    let mut answered = 0;
    for id in [started.id.as_str(), UNKNOWN, "onb_1"] {
        for token in ["", "wrong", nearly.as_str()] {
            for (method, template, path, body) in routes(id) {
                let mut request = api.request(method.clone(), &path, token);
                for (name, value) in &signatures {
                    request = request.header(*name, value);
                }
                let reply = send(if body.is_null() { request } else { request.json(&body) }).await;
                let page = template == "/signup" || template.starts_with("/signup/") || template == "/{proxy+}";
                assert_eq!(page, reply.status == 200, "{method} {path}: {}", reply.status);
                assert!(page || [401, 404].contains(&reply.status), "{method} {path}: {}", reply.status);
                let done = operations.take();
                assert!(
                    done.len() <= 1 && done.iter().all(|operation| operation == "GetItem"),
                    "{method} {path}: {done:?}"
                );
                answered += 1;
            }
        }
    }
    assert_eq!(answered, 3 * 3 * 32);
    assert_eq!(bench.client.ledger().await.unwrap()["calls"], asked);
    assert_eq!(QueueName::all().map(|name| bench.stack.twins.queue.len(name)).collect::<Vec<_>>(), waiting);

    // With a token that is right, the table is looked at: the record, when the page was last seen, and the popup.
    assert_eq!(api.get(&format!("/v1/onboardings/{}", started.id), started.token()).await.unwrap().status, 200);
    // The first time it is noted that the page was looked at, and that the link was opened.
    let noted = ["GetItem", "UpdateItem", "GetItem", "TransactWriteItems"];
    assert_eq!(operations.take(), [&["GetItem"], &noted[..], &["GetItem"]].concat());
    assert_eq!(api.get(&format!("/v1/onboardings/{}", started.id), started.token()).await.unwrap().status, 200);
    assert_eq!(operations.take(), ["GetItem"; 3]);
}

#[tokio::test]
async fn a_large_unauthenticated_body_is_refused_before_any_table_operation() {
    let bench = TestBench::new().await;
    let operations = Operations::default();
    let api = api(&bench, counted(&bench, operations.clone()).await).await;
    operations.take();
    let large = "[".repeat(5_000_000);
    for (path, status) in [("/v1/webhooks/partner-hub", 413), ("/v1/webhooks/meta", 413), ("/v1/onboardings", 401)] {
        let reply = send(api.request(Method::POST, path, "wrong").body(large.clone())).await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.text.len() < 1000);
    }
    assert_eq!(operations.take(), [""; 0]);
}
