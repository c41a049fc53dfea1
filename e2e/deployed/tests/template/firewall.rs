//! The firewall: what it does with webhooks, and with everything else.

use api::{Function, ROUTES};
use serde_json::{Value, json};

use crate::{resources, template};

/// A stranger must not have other requests taken for webhooks, so the expression names the paths from the first character to the last.
#[test]
fn the_firewall_knows_exactly_the_paths_of_webhooks() {
    let template = template();
    let mut names: Vec<&str> = Vec::new();
    for route in ROUTES.iter().filter(|route| route.function == Function::WebhookReceipt) {
        let name = route.path.strip_prefix("/webhooks/").unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let stage = resources(&template, "AWS::Serverless::Api").remove(0).1["StageName"].clone();
    let expected = format!("^(/{})?/webhooks/({})$", stage.as_str().unwrap(), names.join("|"));
    assert_eq!(template["Mappings"]["FirewallPath"]["Webhooks"]["Regex"], expected);
}

#[test]
fn the_firewall_leaves_bursts_and_the_words_of_webhooks_alone() {
    let template = template();
    let webhooks = json!({ "RegexMatchStatement": {
        "RegexString": ["FirewallPath", "Webhooks", "Regex"],
        "FieldToMatch": { "UriPath": {} },
        "TextTransformations": [{ "Priority": 0, "Type": "NONE" }],
    } });
    let others = json!({ "NotStatement": { "Statement": webhooks } });
    let firewall = resources(&template, "AWS::WAFv2::WebACL").remove(0).1;
    let rules = firewall["Rules"].as_array().unwrap();
    let limit = |scope: &Value| {
        let rates = rules.iter().map(|rule| &rule["Statement"]["RateBasedStatement"]);
        let mut limits = rates.filter(|rate| rate["ScopeDownStatement"] == *scope).map(|rate| &rate["Limit"]);
        limits.next().and_then(Value::as_u64).unwrap()
    };
    let rate = template["Parameters"]["WebhookRate"]["Default"].as_u64().unwrap();
    // In five minutes: more than a burst, and less than the rate allows to all.
    assert!(limit(&others) < limit(&webhooks) && limit(&webhooks) < rate * 300);
    let managed = rules.iter().map(|rule| &rule["Statement"]["ManagedRuleGroupStatement"]);
    for managed in managed.filter(|managed| !managed.is_null()) {
        assert_eq!(managed["ScopeDownStatement"], others, "{}", managed["Name"]);
    }
    // A sample shows a request's headers, and with them its bearer token.
    for shown in rules.iter().chain([&firewall]) {
        assert_eq!(shown["VisibilityConfig"]["SampledRequestsEnabled"], false);
    }
}
