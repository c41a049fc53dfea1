//! The table's stream, as Lambda reads it: filtered by the patterns of the template, in batches.

use std::sync::{Arc, Mutex, PoisonError};

use dispatcher::FILTERS;
use embedded_dynamodb::{Database, StreamReader};
use serde_json::{Value, json};

use crate::Error;

/// Records in one invocation, as in the template.
pub const BATCH: usize = 100;

/// The one reader of the stream. Clones share it.
#[derive(Clone)]
pub struct Stream {
    reader: Arc<Mutex<StreamReader>>,
    filters: Arc<Vec<Value>>,
}

impl Stream {
    pub(crate) fn new(database: &Database, table: &str) -> Result<Self, Error> {
        let filters = FILTERS.iter().map(|filter| serde_json::from_str(filter)).collect::<Result<_, _>>()?;
        let reader = Arc::new(Mutex::new(StreamReader::new(database, table)?));
        Ok(Self { reader, filters: Arc::new(filters) })
    }

    /// The records since the last call that wake the dispatcher.
    pub fn records(&self) -> Vec<Value> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        loop {
            match reader.read() {
                Ok(records) if records.is_empty() => return found,
                Ok(records) => found.extend(records.into_iter().filter(|record| self.wakes(record))),
                Err(error) => {
                    tracing::error!(error, "stream not read");
                    return found;
                }
            }
        }
    }

    fn wakes(&self, record: &Value) -> bool {
        self.filters.iter().any(|filter| matches(filter, record))
    }
}

/// An invocation's event with these records.
pub fn event(records: &[Value]) -> Value {
    json!({ "Records": records })
}

/// Whether a record fits a pattern of an event filter: on each leaf one of the values, or a prefix
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>).
pub fn matches(pattern: &Value, record: &Value) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, pattern)| matches(pattern, &record[name])),
        Value::Array(rules) => rules.iter().any(|rule| match rule {
            Value::Object(rule) => rule
                .get("prefix")
                .and_then(Value::as_str)
                .is_some_and(|prefix| record.as_str().is_some_and(|text| text.starts_with(prefix))),
            value => value == record,
        }),
        _ => false,
    }
}
