//! The table's keys and indexes. The template declares the same table, with a stream and point-in-time recovery.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification,
};

use super::StoreError;

/// What is to be done, by its class and the time at which it is due: `due`, `due_at`. Keys only.
pub const BY_DUE: &str = "by_due";
/// Onboardings of a client account, by creation: `client_id`, `pk`.
pub const BY_CLIENT: &str = "by_client";
/// Onboardings with one reference, by creation: `reference`, `id`.
pub const BY_REFERENCE: &str = "by_reference";
/// All onboardings, by creation: `listed`, `id`.
pub const BY_CREATION: &str = "by_creation";
/// Onboardings in one status, by the time of its last change, and those that are overdue: `status`, `changed_at`.
pub const BY_STATUS: &str = "by_status";
/// All onboardings, by the time of their last change: `listed`, `updated_ms`.
pub const BY_CHANGE: &str = "by_change";

/// Events that the partner is told, by the day of their id: `feed`, `event_id`.
pub const BY_FEED: &str = "by_feed";

/// What the partitions of the table are of: the first word of each `pk`. The roles of the template allow partitions by it.
pub const PARTITIONS: [&str; 19] = [
    "CHANNEL", "CLIENT", "CODE", "EMAIL", "HEARD", "IDEM", "IMPORT", "INBOX", "LIMIT", "LOOK", "NUMBER", "ONB",
    "SEARCH", "SIGNUP", "STACK", "SWEEP", "TOKEN", "WABA", "WARM",
];

/// Creates the table. Its indexes hold keys only, so a change writes those whose keys it moves. For the local stack and
/// tests; a deployed table is the template's.
pub async fn create_table(client: &aws_sdk_dynamodb::Client, table: &str) -> Result<(), StoreError> {
    let strings = ["pk", "sk", "due", "client_id", "reference", "listed", "id", "status", "feed", "event_id"];
    let mut definitions = Vec::new();
    for name in strings {
        definitions.push(attribute(name, ScalarAttributeType::S)?);
    }
    for name in ["due_at", "changed_at", "updated_ms"] {
        definitions.push(attribute(name, ScalarAttributeType::N)?);
    }
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(definitions))
        .set_key_schema(Some(keys("pk", "sk")?))
        .global_secondary_indexes(index(BY_DUE, "due", "due_at")?)
        .global_secondary_indexes(index(BY_CLIENT, "client_id", "pk")?)
        .global_secondary_indexes(index(BY_REFERENCE, "reference", "id")?)
        .global_secondary_indexes(index(BY_CREATION, "listed", "id")?)
        .global_secondary_indexes(index(BY_STATUS, "status", "changed_at")?)
        .global_secondary_indexes(index(BY_CHANGE, "listed", "updated_ms")?)
        .global_secondary_indexes(index(BY_FEED, "feed", "event_id")?)
        .stream_specification(
            StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::KeysOnly).build()?,
        )
        .send()
        .await?;
    let expiry = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(true).build()?;
    client.update_time_to_live().table_name(table).time_to_live_specification(expiry).send().await?;
    Ok(())
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, StoreError> {
    Ok(AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()?)
}

fn keys(hash: &str, range: &str) -> Result<Vec<KeySchemaElement>, StoreError> {
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    Ok(vec![key(hash, KeyType::Hash)?, key(range, KeyType::Range)?])
}

fn index(name: &str, hash: &str, range: &str) -> Result<GlobalSecondaryIndex, StoreError> {
    let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let index = GlobalSecondaryIndex::builder().index_name(name).set_key_schema(Some(keys(hash, range)?));
    Ok(index.projection(projection).build()?)
}
