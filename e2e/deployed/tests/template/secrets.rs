//! Which function may read which secret, by value: docs/deploy.md says the same in a table.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{listed, resources, statements, template};

/// What client-account, number-submission and event-publisher read, which nobody outside can call.
const WORKER: &[&str] = &["WorkerSecret"];
/// What the others read.
const READ: [(&str, &[&str]); 7] = [
    ("SignupPage", &[]),
    ("Onboardings", &["BundleSecret", "HeaderKey"]),
    ("EsCallback", &["BundleSecret", "SealingKey"]),
    ("WebhookReceipt", &["BundleSecret"]),
    ("KeyCreation", &["HeaderKey", "WorkerSecret"]),
    ("Reconciliation", &["BundleSecret", "SealingKey"]),
    ("Dispatcher", &[]),
];

#[test]
fn no_function_reads_a_secret_that_it_does_not_need() {
    let template = template();
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let mut read = BTreeSet::new();
        for statement in statements(&template, function["Role"].as_str().unwrap()) {
            if listed(&statement["Action"]).contains(&json!("secretsmanager:GetSecretValue")) {
                read.extend(listed(&statement["Resource"]).iter().map(|arn| arn.as_str().unwrap().to_owned()));
            }
        }
        // The keys of channels, which one function writes.
        read.retain(|arn| !(name == "KeyCreation" && arn.ends_with(":secret:${AWS::StackName}/channels/*")));
        let may = READ.iter().find(|(of, _)| *of == name).map_or(WORKER, |(_, secrets)| *secrets);
        assert_eq!(read, may.iter().map(|secret| format!("{secret}.Id")).collect(), "{name}");
        let from_outside = function["Events"].as_object().unwrap().values().any(|event| event["Type"] == "Api");
        assert!(!(from_outside && may.contains(&"WorkerSecret")), "{name} holds the Hub's credentials");
    }
}
