//! A stack whose table can be looked at as it is.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use local::Options;
use store::schema;

use crate::support::TestBench;

/// The table's name.
pub(crate) const TABLE: &str = "onboardings";

/// A bench with these settings, and its table.
pub(crate) async fn bench_with_table(variables: &[(&str, &str)]) -> (TestBench, Client) {
    let database = embedded_dynamodb::in_memory().unwrap();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url(embedded_dynamodb::serve(database.clone()).await.unwrap())
        .http_client(exchange::aws_sdk::http_client(exchange::client().unwrap()))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .build();
    let table = Client::from_conf(config);
    schema::create_table(&table, TABLE).await.unwrap();
    let options = Options {
        table: Some((table.clone(), TABLE.to_owned(), database)),
        variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Options::default()
    };
    (TestBench::with(options).await, table)
}
