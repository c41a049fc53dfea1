//! Who is first in the dispatcher's line. Read without the SDK between, because tests with a clock of their own ask all the
//! time.

use embedded_dynamodb::Database;
use onboarding::Class;
use serde_json::{Value, json};
use store::schema;

/// The table's index of what is due.
pub(crate) struct Line {
    database: Database,
    table: String,
}

impl Line {
    pub(crate) fn new(database: &Database, table: &str) -> Self {
        Self { database: database.clone(), table: table.to_owned() }
    }

    /// When the first of a class is due, in milliseconds since 1970.
    pub(crate) fn first_due(&self, class: Class) -> Option<i64> {
        let query = json!({
            "TableName": self.table,
            "IndexName": schema::BY_DUE,
            "KeyConditionExpression": "due = :due",
            "ExpressionAttributeValues": {":due": {"S": class.as_str()}},
            "Limit": 1,
        });
        let (_, found) = embedded_dynamodb::answer(&self.database, "Query", query.to_string().as_bytes())?;
        let found: Value = serde_json::from_slice(&found).ok()?;
        found.pointer("/Items/0/due_at/N")?.as_str()?.parse().ok()
    }
}
