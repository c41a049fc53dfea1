//! How a table that is deployed can change.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{resources, template};

/// The table of a template.
fn table(template: &Value) -> Value {
    resources(template, "AWS::DynamoDB::Table").remove(0).1
}

/// The members of a list by their names.
fn by_name(list: &Value, name: &str) -> BTreeMap<String, Value> {
    let members = list.as_array().into_iter().flatten();
    members.map(|member| (member[name].as_str().unwrap().to_owned(), member.clone())).collect()
}

/// What keeps the table of `base` from becoming that of `template`. `CloudFormation` replaces a table whose key or whose
/// attribute's type changes, which loses its items; AWS refuses to change the view of a stream or an index that is there, or to
/// make two indexes in one update (`AWS::DynamoDB::Table`). `MiniStack` does all of this.
fn refused_changes(base: &Value, template: &Value) -> Vec<String> {
    let (base, table) = (table(base), table(template));
    let mut refused: Vec<String> = ["KeySchema", "StreamSpecification"]
        .into_iter()
        .filter(|property| table[*property] != base[*property])
        .map(|property| format!("{property} is another one"))
        .collect();
    let types = [&base, &table].map(|table| by_name(&table["AttributeDefinitions"], "AttributeName"));
    let changed = types[0].iter().filter(|(name, attribute)| types[1].get(*name).is_some_and(|now| now != *attribute));
    refused.extend(changed.map(|(name, _)| format!("the type of {name} is another one")));
    let [before, mut after] = [&base, &table].map(|table| by_name(&table["GlobalSecondaryIndexes"], "IndexName"));
    let removed = before.iter().filter(|(name, _)| !after.contains_key(*name)).count();
    for (name, index) in &before {
        if after.remove(name).is_some_and(|now| now != *index) {
            refused.push(format!("{name} is changed: give an index that changes another name"));
        }
    }
    if removed + after.len() > 1 {
        refused.push(format!("more than one index is made or removed: {removed}, and {:?}", after.keys()));
    }
    refused
}

/// The table of the last release, from which a deployed stack is updated.
fn base() -> Value {
    serde_saphyr::from_str(include_str!("../../../base.yaml")).unwrap()
}

#[test]
fn a_deployed_table_can_be_updated_to_the_one_of_the_template() {
    assert_eq!(refused_changes(&base(), &template()), Vec::<String>::new());
}

#[test]
fn a_change_that_a_deployed_table_cannot_take_is_found() {
    let change = |path: &str, value: Value| {
        let mut changed = base();
        *changed.pointer_mut(&format!("/Resources/Table/Properties/{path}")).unwrap() = value;
        refused_changes(&base(), &changed)
    };
    let indexes = table(&base())["GlobalSecondaryIndexes"].as_array().unwrap().clone();
    let new = |name: &str| {
        let mut index = indexes[0].clone();
        index["IndexName"] = name.into();
        index
    };
    let with = |more: &[Value]| Value::from([indexes.as_slice(), more].concat());
    assert_eq!(change("GlobalSecondaryIndexes", with(&[new("by_one")])), Vec::<String>::new());
    assert_eq!(change("GlobalSecondaryIndexes", json!(indexes[1..])), Vec::<String>::new());
    for (path, value) in [
        ("GlobalSecondaryIndexes", with(&[new("by_one"), new("by_other")])),
        ("GlobalSecondaryIndexes", json!(indexes[2..])),
        ("GlobalSecondaryIndexes/0/Projection/ProjectionType", json!("ALL")),
        ("GlobalSecondaryIndexes/0/KeySchema/1/AttributeName", json!("changed_at")),
        ("StreamSpecification/StreamViewType", json!("NEW_IMAGE")),
        ("KeySchema/1/AttributeName", json!("id")),
        ("AttributeDefinitions/0/AttributeType", json!("N")),
    ] {
        assert_eq!(change(path, value.clone()).len(), 1, "{path} as {value}");
    }
}
