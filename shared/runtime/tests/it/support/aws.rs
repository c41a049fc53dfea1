//! A server that speaks just enough of AWS's JSON protocol, and the configuration that leads the SDK to it.

use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

/// What is answered to an action with these parameters.
type Answers = dyn FnMut(&str, &Value) -> Result<Value, &'static str> + Send;

#[derive(Clone)]
pub(crate) struct Aws {
    pub(crate) config: SdkConfig,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Aws {
    /// Starts the server. An answer is a value, or an error's type and sentence with a colon between.
    pub(crate) async fn start(
        answers: impl FnMut(&str, &Value) -> Result<Value, &'static str> + Send + 'static,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&calls);
        let answers: Arc<Mutex<Box<Answers>>> = Arc::new(Mutex::new(Box::new(answers)));
        let app = Router::new().fallback(async move |headers: HeaderMap, body: String| {
            let target = headers["x-amz-target"].to_str().unwrap();
            let action = target.rsplit('.').next().unwrap().to_owned();
            let parameters: Value = serde_json::from_str(&body).unwrap();
            let answer = (answers.lock().unwrap())(&action, &parameters);
            log.lock().unwrap().push((action, parameters));
            let json = [("content-type", "application/x-amz-json-1.0")];
            match answer {
                Ok(value) => (StatusCode::OK, json, value.to_string()).into_response(),
                Err(error) => {
                    let (kind, message) = error.split_once(": ").unwrap();
                    let body = json!({ "__type": kind, "message": message }).to_string();
                    (StatusCode::BAD_REQUEST, json, body).into_response()
                }
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let credentials = Credentials::new("an-id", "a-secret", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(format!("http://{address}"))
            .http_client(exchange::aws_sdk::http_client(exchange::client().unwrap()))
            .build();
        Self { config, calls }
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap().clone()
    }

    /// The actions called so far.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.calls().into_iter().map(|(action, _)| action).collect()
    }
}
