//! The table is the one that the store makes, and one to which that of the last release can be updated.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use store::schema;

use crate::{resources, template};

#[tokio::test]
async fn the_table_of_the_template_is_the_one_that_the_store_makes() {
    let endpoint = embedded_dynamodb::serve(embedded_dynamodb::in_memory().unwrap()).await.unwrap();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(exchange::aws_sdk::http_client(exchange::client().unwrap()));
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    schema::create_table(&client, "table").await.unwrap();
    let made = client.describe_table().table_name("table").send().await.unwrap().table.unwrap();
    let expiry = client.describe_time_to_live().table_name("table").send().await.unwrap();
    let expiry = expiry.time_to_live_description.unwrap().attribute_name.unwrap();
    let view = made.stream_specification().unwrap().stream_view_type().unwrap().as_str();

    let keys = |schema: &[aws_sdk_dynamodb::types::KeySchemaElement]| -> Value {
        let key = |key: &aws_sdk_dynamodb::types::KeySchemaElement| json!({ "AttributeName": key.attribute_name, "KeyType": key.key_type.as_str() });
        schema.iter().map(key).collect()
    };
    let attribute = |attribute: &aws_sdk_dynamodb::types::AttributeDefinition| json!({ "AttributeName": attribute.attribute_name, "AttributeType": attribute.attribute_type.as_str() });
    let index = |index: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription| {
        let projection = index.projection().unwrap();
        let mut told = json!({ "ProjectionType": projection.projection_type().unwrap().as_str() });
        if let Some(names) = &projection.non_key_attributes {
            told["NonKeyAttributes"] = json!(names);
        }
        json!({ "IndexName": index.index_name, "KeySchema": keys(index.key_schema()), "Projection": told })
    };
    let of_code = json!({
        "AttributeDefinitions": sorted(made.attribute_definitions().iter().map(attribute)),
        "KeySchema": keys(made.key_schema()),
        "GlobalSecondaryIndexes": sorted(made.global_secondary_indexes().iter().map(index)),
        "BillingMode": made.billing_mode_summary().unwrap().billing_mode().unwrap().as_str(),
        "TimeToLiveSpecification": { "AttributeName": expiry, "Enabled": true },
        "StreamSpecification": { "StreamViewType": view },
    });

    let mut of_template = resources(&template(), "AWS::DynamoDB::Table").remove(0).1;
    for list in ["AttributeDefinitions", "GlobalSecondaryIndexes"] {
        of_template[list] = sorted(of_template[list].as_array().unwrap().iter().cloned());
    }
    // What only a deployed table has.
    for name in ["DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification"] {
        assert!(of_template.as_object_mut().unwrap().remove(name).is_some(), "{name}");
    }
    assert_eq!(of_template, of_code);
}

fn sorted(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_key(ToString::to_string);
    Value::Array(values)
}
