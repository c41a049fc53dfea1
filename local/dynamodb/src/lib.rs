#![doc = include_str!("../README.md")]

use std::io;
use std::path::Path;

use dynoxide::DynoxideError;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use dynoxide::Database;

/// dynoxide reads all records of a stream for each write and for each read of the stream; with this index it reads what it
/// needs.
const INDEX: &str =
    "CREATE INDEX IF NOT EXISTS stream_position ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// An empty database in memory.
///
/// # Errors
/// If the folder for temporary files cannot be written.
pub fn in_memory() -> Result<Database, Box<dyn std::error::Error + Send + Sync>> {
    let database = Database::memory()?;
    // A snapshot is the one way to reach its SQLite.
    let folder = tempfile::tempdir()?;
    let snapshot = folder.path().join("snapshot");
    let path = snapshot.to_string_lossy();
    database.vacuum_into(&path)?;
    Connection::open(&snapshot)?.execute_batch(INDEX)?;
    database.restore_from(&path)?;
    Ok(database)
}

/// The database on this file, which is made if it is not there.
///
/// # Errors
/// If the file is not a database, or cannot be written.
pub fn on_file(file: &Path) -> Result<Database, Box<dyn std::error::Error + Send + Sync>> {
    let database = Database::new(&file.to_string_lossy())?;
    Connection::open(file)?.execute_batch(INDEX)?;
    Ok(database)
}

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
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "DescribeStream" => run(body, |request| database.describe_stream(request)),
        "GetShardIterator" => run(body, |request| database.get_shard_iterator(request)),
        "GetRecords" => run(body, |request| database.get_records(request)),
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

/// Reads the stream of a table, from its beginning.
pub struct StreamReader {
    database: Database,
    iterator: String,
}

impl StreamReader {
    /// A reader of this table's stream.
    ///
    /// # Errors
    /// In the database's words, if the table has no stream.
    pub fn new(database: &Database, table: &str) -> Result<Self, String> {
        let ask = |operation: &str, body: Value| {
            let (status, answer) = answer(database, operation, body.to_string().as_bytes()).unwrap_or_default();
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            if status == 200 { Ok(answer) } else { Err(format!("{operation}: {answer}")) }
        };
        let table = ask("DescribeTable", json!({"TableName": table}))?;
        let stream = &table["Table"]["LatestStreamArn"];
        let described = ask("DescribeStream", json!({"StreamArn": stream}))?;
        let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
        let from = json!({"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = ask("GetShardIterator", from)?["ShardIterator"].as_str().unwrap_or_default().to_owned();
        Ok(Self { database: database.clone(), iterator })
    }

    /// The records since the last call, at most 1000, as a function gets them.
    ///
    /// # Errors
    /// In the database's words.
    pub fn read(&mut self) -> Result<Vec<Value>, String> {
        let body = json!({"ShardIterator": self.iterator, "Limit": 1000}).to_string();
        let (status, records) = answer(&self.database, "GetRecords", body.as_bytes()).unwrap_or_default();
        let mut records: Value = serde_json::from_slice(&records).unwrap_or_default();
        if status != 200 {
            return Err(records.to_string());
        }
        if let Some(next) = records["NextShardIterator"].as_str() {
            next.clone_into(&mut self.iterator);
        }
        Ok(records["Records"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }
}
