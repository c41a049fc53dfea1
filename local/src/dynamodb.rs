//! The embedded DynamoDB, reached as on AWS: through the real SDK, over HTTP.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use embedded_dynamodb::Database;
use store::schema;

use crate::Error;

/// The table's name.
pub(crate) const TABLE: &str = "local";

/// Starts it, in memory or on a file, and makes the table if it is not there. Returns its address too.
pub(crate) async fn start(file: Option<&Path>) -> Result<(Client, String), Error> {
    let database = match file {
        Some(file) => Database::new(&file.to_string_lossy()),
        None => Database::memory(),
    }?;
    let endpoint = embedded_dynamodb::serve(database).await?;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(&endpoint)
        .http_client(exchange::aws_sdk::http_client(exchange::client()?))
        .build();
    let client = Client::from_conf(config);
    let tables = client.list_tables().send().await?;
    if !tables.table_names().iter().any(|name| name == TABLE) {
        schema::create_table(&client, TABLE).await?;
    }
    Ok((client, endpoint))
}
