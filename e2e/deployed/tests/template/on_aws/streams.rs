//! Functions that a table's stream wakes.

use serde_json::{Value, json};

use crate::{listed, resources, statements, template};

/// What Lambda does in the function's name, on the stream and on all of them.
const ON_STREAM: [&str; 3] = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
const ON_ALL: &str = "dynamodb:ListStreams";
/// The types of a DynamoDB attribute that are leaves.
const LEAVES: [&str; 6] = ["S", "N", "B", "BOOL", "SS", "NS"];
/// So many filters one mapping may have.
const MOST_FILTERS: usize = 5;

/// The events of this type with the functions' names and the events'.
fn events(template: &Value, kind: &str) -> Vec<(String, Value, Value)> {
    let mut found = Vec::new();
    for (name, function) in resources(template, "AWS::Serverless::Function") {
        for (event_name, event) in function["Events"].as_object().into_iter().flatten() {
            if event["Type"] == kind {
                found.push((format!("{name}.{event_name}"), function.clone(), event["Properties"].clone()));
            }
        }
    }
    found
}

/// What is wrong with the filters of streams. On AWS a rule stands on a leaf, `exists` and the rest mean nothing above it,
/// `numeric` never fits as a record holds numbers as texts, and only the record's member `dynamodb` may be filtered on. Of a
/// view with keys only there is nothing else to filter on. MiniStack takes rules anywhere, and lets `numeric` fit.
fn refused_filters(template: &Value) -> Vec<String> {
    let views: Vec<Value> = resources(template, "AWS::DynamoDB::Table")
        .into_iter()
        .map(|(_, table)| table["StreamSpecification"]["StreamViewType"].clone())
        .collect();
    let keys_only = views.iter().all(|view| view == "KEYS_ONLY");
    let mut refused = Vec::new();
    for (name, _, event) in events(template, "DynamoDB") {
        let filters = listed(&event["FilterCriteria"]["Filters"]);
        if filters.len() > MOST_FILTERS {
            refused.push(format!("{name}: {} filters", filters.len()));
        }
        for filter in filters {
            let pattern = filter["Pattern"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
            let Some(pattern) = pattern.filter(Value::is_object) else {
                refused.push(format!("{name}: a filter is no pattern"));
                continue;
            };
            let mut rules = Vec::new();
            rules_of(&pattern, &mut Vec::new(), &mut rules);
            for (path, rule) in rules {
                let stands = match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    ["dynamodb", "Keys", _, kind] => LEAVES.contains(kind),
                    ["dynamodb", "NewImage" | "OldImage", .., kind] => {
                        path.len() > 3 && !keys_only && LEAVES.contains(kind)
                    }
                    _ => false,
                };
                if !stands || !is_supported(&rule) {
                    refused.push(format!("{name}: {} at {}", rule, path.join(".")));
                }
            }
        }
    }
    refused
}

/// Every rule of a pattern and where it stands. What is neither a level nor a list of rules is one that is not supported.
fn rules_of(pattern: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Value)>) {
    match pattern {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                path.push(name.clone());
                rules_of(member, path, found);
                path.pop();
            }
        }
        Value::Array(rules) if !rules.is_empty() => found.extend(rules.iter().map(|rule| (path.clone(), rule.clone()))),
        other => found.push((path.clone(), json!({ "neither a level nor rules": other }))),
    }
}

/// A text, a truth value, or one operator that AWS and MiniStack understand alike.
fn is_supported(rule: &Value) -> bool {
    match rule {
        Value::String(_) | Value::Bool(_) => true,
        Value::Object(operator) => match operator.iter().collect::<Vec<_>>().as_slice() {
            [(name, value)] if *name == "prefix" => value.is_string(),
            [(name, value)] if *name == "exists" => value.is_boolean(),
            _ => false,
        },
        _ => false,
    }
}

/// What the roles of functions that a stream wakes lack. MiniStack does not ask for it; AWS makes no mapping without it.
fn missing_permissions(template: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, function, event) in events(template, "DynamoDB") {
        let statements = statements(template, function["Role"].as_str().unwrap_or_default());
        let may = |action: &str, resource: &Value| {
            statements.iter().any(|statement| {
                statement["Effect"] == "Allow"
                    && listed(&statement["Action"]).contains(&action.into())
                    && listed(&statement["Resource"]).contains(resource)
            })
        };
        let needed =
            ON_STREAM.map(|action| (action, event["Stream"].clone())).into_iter().chain([(ON_ALL, json!("*"))]);
        let lacking = needed.filter(|(action, resource)| !may(action, resource));
        missing.extend(lacking.map(|(action, resource)| format!("{name}: {action} on {resource}")));
    }
    missing
}

/// A template with a function that a stream wakes.
fn sample(view: &str, pattern: &Value, statements: &Value) -> Value {
    let filters = json!([{ "Pattern": pattern.to_string() }]);
    let event = json!({ "Stream": "T.StreamArn", "FilterCriteria": { "Filters": filters } });
    let policy = json!({ "PolicyDocument": { "Statement": statements } });
    json!({ "Resources": {
        "T": { "Type": "AWS::DynamoDB::Table", "Properties": { "StreamSpecification": { "StreamViewType": view } } },
        "F": { "Type": "AWS::Serverless::Function", "Properties": {
            "Role": "R.Arn",
            "Events": { "Changes": { "Type": "DynamoDB", "Properties": event } },
        } },
        "R": { "Type": "AWS::IAM::Role", "Properties": { "Policies": [policy], "ManagedPolicyArns": ["P"] } },
        "P": { "Type": "AWS::IAM::ManagedPolicy", "Properties": { "PolicyDocument": { "Statement": [] } } },
    } })
}

#[test]
fn the_filters_mean_on_aws_what_they_mean_here() {
    let template = template();
    assert!(!events(&template, "DynamoDB").is_empty(), "no function is woken by a stream");
    assert_eq!(refused_filters(&template), Vec::<String>::new());
}

#[test]
fn a_filter_that_aws_takes_otherwise_is_found() {
    let key = |rules: Value| json!({ "dynamodb": { "Keys": { "sk": { "S": rules } } } });
    let image = |rules: Value| json!({ "dynamodb": { "NewImage": { "work": rules } } });
    for (view, pattern) in [
        ("KEYS_ONLY", key(json!(["INBOX", { "prefix": "EVT#" }]))),
        ("NEW_IMAGE", image(json!({ "S": [{ "exists": true }] }))),
        ("NEW_IMAGE", image(json!({ "M": { "class": { "S": ["key"] } } }))),
    ] {
        assert_eq!(refused_filters(&sample(view, &pattern, &json!([]))), Vec::<String>::new(), "{pattern}");
    }
    for (view, pattern) in [
        ("KEYS_ONLY", json!("EVT#")),
        ("KEYS_ONLY", json!({})),
        ("KEYS_ONLY", key(json!([]))),
        ("KEYS_ONLY", key(json!("INBOX"))),
        ("KEYS_ONLY", key(json!([{ "numeric": [">", 5] }]))),
        ("KEYS_ONLY", key(json!([{ "wildcard": "EVT*" }]))),
        ("KEYS_ONLY", key(json!([{ "prefix": "E", "suffix": "T" }]))),
        ("KEYS_ONLY", json!({ "dynamodb": { "Keys": { "sk": ["INBOX"] } } })),
        ("KEYS_ONLY", json!({ "eventName": ["INSERT"] })),
        ("KEYS_ONLY", json!({ "$or": [key(json!(["INBOX"]))] })),
        ("KEYS_ONLY", image(json!({ "S": ["due"] }))),
        ("NEW_IMAGE", image(json!([{ "exists": true }]))),
        ("NEW_IMAGE", image(json!({ "N": [{ "numeric": ["=", 1] }] }))),
    ] {
        let refused = refused_filters(&sample(view, &pattern, &json!([])));
        assert_eq!(refused.len(), 1, "{pattern}: {refused:?}");
    }
    let mut many = sample("KEYS_ONLY", &key(json!(["INBOX"])), &json!([]));
    let filters =
        &mut many["Resources"]["F"]["Properties"]["Events"]["Changes"]["Properties"]["FilterCriteria"]["Filters"];
    *filters = json!(vec![filters[0].clone(); MOST_FILTERS + 1]);
    assert_eq!(refused_filters(&many).len(), 1);
}

#[test]
fn a_function_may_read_the_stream_that_wakes_it() {
    assert_eq!(missing_permissions(&template()), Vec::<String>::new());
}

#[test]
fn a_permission_that_a_stream_needs_is_missed() {
    let allow = |actions: Value, resource: &str| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let missing = |statements: Value| missing_permissions(&sample("KEYS_ONLY", &json!({}), &statements));
    let all = allow(json!(ON_ALL), "*");
    assert_eq!(missing(json!([allow(json!(ON_STREAM), "T.StreamArn"), all])), Vec::<String>::new());
    assert_eq!(missing(json!([])).len(), 4);
    assert_eq!(missing(json!([allow(json!(ON_STREAM), "T.StreamArn")])).len(), 1);
    assert_eq!(missing(json!([allow(json!(ON_STREAM), "T.Arn"), all])).len(), 3);
    assert_eq!(missing(json!([allow(json!(ON_STREAM[1..]), "T.StreamArn"), all])).len(), 1);
    let mut denied = allow(json!(ON_STREAM), "T.StreamArn");
    denied["Effect"] = "Deny".into();
    assert_eq!(missing(json!([denied, all])).len(), 3);
}
