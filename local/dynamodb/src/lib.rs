#![doc = include_str!("../README.md")]

use std::io;

use dynoxide::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

pub use dynoxide::Database;

/// Serves the database on a free port of 127.0.0.1 until the runtime ends. Returns the endpoint for the SDK.
///
/// # Errors
/// If no port is free.
pub async fn serve(database: Database) -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    Ok(endpoint)
}

/// The answer to one request: the HTTP status and the JSON body, as DynamoDB gives them. `operation` is what the SDK names in
/// `X-Amz-Target`; `None` if it is not one that the bundle uses.
pub fn answer(database: &Database, operation: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let answer = match operation {
        "GetItem" => run(body, |request| database.get_item(request)),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        _ => return None,
    };
    Some(answer.map_or_else(|error| (error.status_code(), error.to_json().into_bytes()), |answer| (200, answer)))
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl Fn(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<Vec<u8>> {
    let unreadable = |error: serde_json::Error| DynoxideError::ValidationException(error.to_string());
    let answer = operation(serde_json::from_slice(body).map_err(unreadable)?)?;
    serde_json::to_vec(&answer).map_err(unreadable)
}
