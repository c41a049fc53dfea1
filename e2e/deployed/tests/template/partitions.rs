//! What each role may touch in the table: partitions and actions, by value. That the functions need no more is shown by the tests of
//! the local stack, whose functions are held to these roles (`local/src/roles.rs`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use store::schema::PARTITIONS;

use crate::{listed, resources, statements, template};

/// Partitions by action.
type Reach = BTreeMap<String, BTreeSet<String>>;

/// What each has, by function.
const REACH: [(&str, &[(&str, &str)]); 10] = [
    ("SignupPage", &[]),
    (
        "Onboardings",
        &[
            ("BatchGetItem", "EMAIL ONB SIGNUP STACK"),
            ("DeleteItem", "CHANNEL EMAIL ONB"),
            ("GetItem", "CHANNEL IDEM IMPORT NUMBER ONB STACK WARM"),
            ("PutItem", "IDEM IMPORT NUMBER ONB STACK WABA WARM"),
            ("Query", "IMPORT ONB SIGNUP WABA"),
            ("UpdateItem", "ONB STACK WARM"),
        ],
    ),
    (
        "EsCallback",
        &[
            ("DeleteItem", "CHANNEL ONB SIGNUP"),
            ("GetItem", "NUMBER ONB SIGNUP WARM"),
            ("PutItem", "NUMBER ONB WABA WARM"),
            ("UpdateItem", "CODE ONB SIGNUP WARM"),
        ],
    ),
    // Nothing of an onboarding.
    ("WebhookReceipt", &[("GetItem", "INBOX WARM"), ("PutItem", "HEARD INBOX")]),
    (
        "ClientAccount",
        &[("GetItem", "ONB TOKEN WARM"), ("PutItem", "EMAIL ONB WARM"), ("UpdateItem", "LIMIT ONB SEARCH TOKEN WARM")],
    ),
    (
        "NumberSubmission",
        &[
            ("BatchGetItem", "EMAIL INBOX ONB"),
            ("DeleteItem", "CHANNEL SIGNUP"),
            ("GetItem", "CHANNEL HEARD IMPORT INBOX NUMBER ONB SWEEP TOKEN WARM"),
            ("PutItem", "CHANNEL EMAIL IMPORT NUMBER ONB STACK WABA WARM"),
            ("Query", "IMPORT"),
            ("UpdateItem", "CHANNEL CLIENT IMPORT INBOX LIMIT ONB SEARCH SWEEP TOKEN WARM"),
        ],
    ),
    (
        "KeyCreation",
        &[("GetItem", "CHANNEL ONB TOKEN WARM"), ("PutItem", "ONB WARM"), ("UpdateItem", "LIMIT ONB TOKEN WARM")],
    ),
    (
        "Reconciliation",
        &[
            ("BatchGetItem", "EMAIL INBOX ONB"),
            ("DeleteItem", "CHANNEL EMAIL ONB SIGNUP WABA"),
            ("GetItem", "INBOX LIMIT LOOK NUMBER ONB SWEEP WARM"),
            ("PutItem", "NUMBER ONB SIGNUP STACK WABA WARM"),
            ("Query", "ONB WABA"),
            ("UpdateItem", "INBOX LOOK ONB SWEEP WARM"),
        ],
    ),
    (
        "Dispatcher",
        &[
            ("BatchGetItem", "INBOX ONB STACK"),
            ("GetItem", "CHANNEL IMPORT INBOX NUMBER ONB SEARCH STACK SWEEP TOKEN WARM"),
            ("PutItem", "CHANNEL ONB STACK"),
            ("UpdateItem", "IMPORT INBOX LIMIT ONB STACK SWEEP TOKEN"),
        ],
    ),
    // It calls the partner's server: no permit, no number, no channel, and nothing new.
    ("EventPublisher", &[("BatchGetItem", "ONB STACK"), ("GetItem", "ONB STACK WARM"), ("UpdateItem", "ONB STACK")]),
];

#[test]
fn each_role_reaches_the_partitions_that_its_function_uses_and_no_others() {
    let template = template();
    let mut unused: BTreeSet<&str> = PARTITIONS.into();
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let found =
            reach(&template, function["Role"].as_str().unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        for partition in found.values().flatten() {
            assert!(PARTITIONS.contains(&partition.as_str()), "{name}: the store has no partition {partition}");
            unused.remove(partition.as_str());
        }
        let (_, expected) = REACH.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("{name} is not listed"));
        let expected = expected.iter().map(|(action, partitions)| {
            ((*action).to_owned(), partitions.split(' ').map(str::to_owned).collect::<BTreeSet<String>>())
        });
        assert_eq!(found, expected.collect(), "{name}");
    }
    assert!(unused.is_empty(), "no role may touch {unused:?}");
}

/// What a role may touch in the table. An error is a statement that allows more than partitions of the table: without the
/// condition, with a wildcard, with an action that names no partition.
fn reach(template: &Value, role: &str) -> Result<Reach, String> {
    let mut reach = Reach::new();
    for statement in statements(template, role) {
        let on_table = listed(&statement["Resource"]).contains(&json!("Table.Arn"));
        for action in listed(&statement["Action"]) {
            let wrong = || Err(format!("{statement}"));
            let (service, action) = action.as_str().unwrap_or_default().split_once(':').unwrap_or_default();
            if !service.is_empty() && service != "dynamodb" {
                continue;
            }
            match action {
                // The stream's, which the tests of streams look at.
                "DescribeStream" | "GetRecords" | "GetShardIterator" | "ListStreams" => continue,
                "Query" if !on_table && statement.get("Condition").is_none() => continue,
                "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "BatchGetItem" | "Query" if on_table => {}
                _ => return wrong(),
            }
            let keys = listed(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
            let condition = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } });
            if keys.is_empty() || statement["Condition"] != condition || statement["Resource"] != "Table.Arn" {
                return wrong();
            }
            for key in keys {
                let key = key.as_str().unwrap_or_default();
                let (kind, rest) = key.split_once('#').unwrap_or((key, "none"));
                if rest.is_empty()
                    || kind.contains(['*', '?', '$'])
                    || rest.trim_end_matches('*').contains(['*', '?', '$'])
                {
                    return wrong();
                }
                reach.entry(action.to_owned()).or_default().insert(kind.to_owned());
            }
        }
    }
    Ok(reach)
}

#[test]
fn a_statement_that_reaches_more_than_partitions_is_found() {
    let keys = |keys: &[&str]| json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys } });
    let may = |action: &str, resource: Value, condition: Value| {
        let mut statement = json!({ "Effect": "Allow", "Action": [action], "Resource": resource });
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        let policies = json!([{ "PolicyDocument": { "Statement": [statement] } }]);
        reach(&json!({ "Resources": { "R": { "Properties": { "Policies": policies } } } }), "R.Arn").is_ok()
    };
    let (table, index) = (json!("Table.Arn"), json!("${Table.Arn}/index/by_due"));
    assert!(may("dynamodb:GetItem", table.clone(), keys(&["ONB#*", "LIMIT#hub", "WARM"])));
    assert!(may("dynamodb:Query", index.clone(), Value::Null));
    assert!(may("sqs:SendMessage", json!("Queue.Arn"), Value::Null));
    for (action, resource, condition) in [
        ("dynamodb:GetItem", &table, Value::Null),
        ("dynamodb:GetItem", &table, keys(&[])),
        ("dynamodb:GetItem", &table, keys(&["*"])),
        ("dynamodb:GetItem", &table, keys(&["ON*"])),
        ("dynamodb:GetItem", &table, keys(&["ONB#"])),
        ("dynamodb:GetItem", &table, json!({ "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": ["ONB#*"] } })),
        ("dynamodb:GetItem", &json!("*"), keys(&["ONB#*"])),
        ("dynamodb:GetItem", &json!(["Table.Arn", "${Table.Arn}/index/by_due"]), keys(&["ONB#*"])),
        ("dynamodb:Query", &table, Value::Null),
        ("dynamodb:Query", &index, keys(&["ONB#*"])),
        ("dynamodb:Scan", &table, keys(&["ONB#*"])),
        ("dynamodb:Scan", &index, Value::Null),
        ("dynamodb:PartiQLSelect", &table, keys(&["ONB#*"])),
        ("dynamodb:*", &table, keys(&["ONB#*"])),
    ] {
        assert!(!may(action, resource.clone(), condition.clone()), "{action} on {resource}, {condition}");
    }
    assert!(!may("*", table, keys(&["ONB#*"])));
}
