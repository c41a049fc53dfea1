//! What the API answers while the edge's secret is out of reach.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use axum::routing::post;
use axum::{Json, Router};
use local::client::{Client, start_body};
use local::functions::Functions;
use local::gateway;
use local::settings::BACKEND_TOKEN;
use reqwest::Method;
use runtime::Ports;
use secrets::{BundleSecret, CachedSecret};
use serde_json::json;
use tokio::net::TcpListener;

use crate::openapi::conformance::callback;
use crate::openapi::coverage::Coverage;
use crate::support::TestBench;

/// The same functions, but the edge's secret is out of reach, or not filled in.
pub(crate) async fn without_the_secret(coverage: &mut Coverage) {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    with_the_secret_at(coverage, nobody, 503, "unavailable").await;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let empty = listener.local_addr().unwrap();
    let answer = json!({"ARN": "arn:aws:secretsmanager:local", "Name": "bundle", "SecretString": "{}"});
    let secrets_manager = Router::new().route("/", post(|| async { Json(answer) }));
    tokio::spawn(async move { axum::serve(listener, secrets_manager).await });
    with_the_secret_at(coverage, empty, 500, "internal").await;
}

async fn with_the_secret_at(coverage: &mut Coverage, address: SocketAddr, status: u16, code: &str) {
    let mut bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let functions = with_secret_at(&bench, format!("http://{address}"));
    bench.client = Client::new(&serve(functions).await).unwrap();

    let path = format!("/onboardings/{}", started.id);
    for reply in [
        coverage.post(&bench, "/onboardings", BACKEND_TOKEN, &start_body("tenant-2")).await,
        coverage.get(&bench, "/onboardings", BACKEND_TOKEN).await,
        coverage.get(&bench, &path, BACKEND_TOKEN).await,
        coverage
            .post(&bench, &format!("{path}/number"), BACKEND_TOKEN, &json!({"phone_number_id": "51234567890"}))
            .await,
        coverage.post(&bench, &format!("{path}/retry"), BACKEND_TOKEN, &json!({})).await,
        callback(coverage, &bench, &started, &popup).await,
        coverage.get(&bench, "/signups?state=unclaimed", BACKEND_TOKEN).await,
        coverage.get(&bench, "/events", BACKEND_TOKEN).await,
        coverage.get(&bench, &format!("{path}/export"), BACKEND_TOKEN).await,
        coverage.call(bench.client.request(Method::DELETE, &format!("/v1{path}"), BACKEND_TOKEN)).await,
        coverage.post(&bench, "/imports", BACKEND_TOKEN, &json!({"dry_run": true})).await,
        coverage.get(&bench, "/imports/imp_01890000000070008000000000000000", BACKEND_TOKEN).await,
        coverage.post(&bench, "/events/replay", BACKEND_TOKEN, &json!({})).await,
        coverage.post(&bench, "/events/test", BACKEND_TOKEN, &json!({})).await,
        coverage.post(&bench, &format!("{path}/claim"), BACKEND_TOKEN, &json!({})).await,
        coverage.call(bench.client.request(Method::DELETE, &format!("/v1{path}/link"), BACKEND_TOKEN)).await,
    ] {
        reply.assert_problem(status, code);
    }
    for order in ["link", "cancel", "disconnect", "reconnect", "rotate-key"] {
        let path = format!("{path}/{order}");
        coverage.post(&bench, &path, BACKEND_TOKEN, &json!({})).await.assert_problem(status, code);
    }
    for path in ["/webhooks/partner-hub", "/webhooks/meta"] {
        let request = bench.client.request(Method::POST, &format!("/v1{path}"), "").body("{}");
        coverage.call(request).await.assert_problem(500, "internal");
    }
    coverage.get(&bench, "/webhooks/meta?hub.mode=subscribe", "").await.assert_problem(500, "internal");
}

fn with_secret_at(bench: &TestBench, endpoint: String) -> Functions {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint)
        .http_client(exchange::aws_sdk::http_client(exchange::client().unwrap()))
        .build();
    let client = aws_sdk_secretsmanager::Client::from_conf(config);
    let clock = bench.stack.twins.clock.clone();
    let bundle = CachedSecret::new(client, "bundle".to_owned(), BundleSecret::parse, clock);
    bench.stack.functions_on(Ports { bundle: Arc::new(bundle), ..Ports::from(&bench.stack.twins) }).unwrap()
}

/// Serves functions until the test ends. Returns their origin.
async fn serve(functions: Functions) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = gateway::router(Arc::new(functions));
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}
