//! The embedded DynamoDB, reached through the real SDK. Only containers need a socket for it.

use std::fmt;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use embedded_dynamodb::Database;
use store::schema;

use crate::Error;

/// The table's name.
pub(crate) const TABLE: &str = "local";

/// Opens it, in memory or on a file, and makes the table if it is not there.
pub(crate) async fn open(file: Option<&Path>) -> Result<(Client, Database), Error> {
    let database = match file {
        Some(file) => embedded_dynamodb::on_file(file),
        None => embedded_dynamodb::in_memory(),
    }?;
    let connector = SharedHttpConnector::new(InProcess(database.clone()));
    let http: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url("http://127.0.0.1")
        .http_client(http)
        .build();
    let client = Client::from_conf(config);
    if client.describe_table().table_name(TABLE).send().await.is_err() {
        schema::create_table(&client, TABLE).await?;
    }
    Ok((client, database))
}

/// Hands the SDK's requests to the database.
#[derive(Clone)]
struct InProcess(Database);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.answer(&request);
        HttpConnectorFuture::new(async move {
            // Others get their turn, as if there were a network.
            tokio::task::yield_now().await;
            answer
        })
    }
}

impl InProcess {
    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let unknown = || ConnectorError::user(format!("{operation} is not known here").into());
        let (status, body) = embedded_dynamodb::answer(&self.0, operation, request.body().bytes().unwrap_or_default())
            .ok_or_else(unknown)?;
        let status = status.try_into().map_err(|_| unknown())?;
        let mut response = HttpResponse::new(status, body.into());
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        Ok(response)
    }
}
