//! Events: where they may go.

use regex_lite::Regex;
use serde_json::{Value, json};

use crate::{listed, resources, statements, template};

/// What `PutEvents` names as the events' source, by which the partner's rules know them.
const SOURCE: &str = "whatsapp-onboarding";

/// The key `events:source` is in every request to AWS. Without `IfExists` `MiniStack`, which does not know it, would refuse all.
#[test]
fn one_function_may_put_events_and_only_its_own_to_one_bus() {
    let template = template();
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let mut found = statements(&template, function["Role"].as_str().unwrap());
        let of_events =
            |action: &Value| action.as_str().is_some_and(|action| action.starts_with("events:") || action == "*");
        found.retain(|statement| listed(&statement["Action"]).iter().any(of_events));
        let bus = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}";
        let allowed = json!({
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": bus,
            "Condition": { "StringEqualsIfExists": { "events:source": SOURCE } },
        });
        let expected = if name == "EventPublisher" { vec![allowed] } else { Vec::new() };
        assert_eq!(found, expected, "{name}");
    }
}

/// What `CloudFormation` does with a pattern: it has to match the whole value.
fn matches(parameter: &str, value: &str) -> bool {
    let pattern = template()["Parameters"][parameter]["AllowedPattern"].as_str().unwrap().to_owned();
    Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(value)
}

#[test]
fn the_webhook_is_a_name_on_the_port_of_https_or_this_machine() {
    for good in [
        "",
        "https://partner.example",
        "https://partner.example/",
        "https://hooks.eu-1.partner.example/whatsapp/events?tenant=1&x=a:b@c",
        "https://partner.example?x=1",
        "https://xn--bcher-kva.example/events",
        "https://partner.xn--p1ai/events",
        "https://10.partner.example/events",
        "https://my_host.partner.example/events",
        "http://127.0.0.1:3005/events",
        "https://127.0.0.1/events",
        "http://[::1]:3005/events",
        "https://[::1]?x=1",
    ] {
        assert!(matches("PartnerWebhookUrl", good), "{good}");
    }
    for bad in [
        "partner.example/events",
        "//partner.example/events",
        "http://partner.example/events",
        "ftp://partner.example/events",
        // A port, a user.
        "https://partner.example:443/events",
        "https://partner.example:8443/events",
        "https://user@partner.example/events",
        "https://user:word@partner.example/events",
        "https://partner.example@127.0.0.1/events",
        // Addresses, also in the forms that a URL's reader takes for one.
        "https://10.0.0.1/events",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/events",
        "https://[::ffff:10.0.0.1]/events",
        "https://2130706433/events",
        "https://0x7f000001/events",
        "https://127.1/events",
        "https://0x7f.1/events",
        "https://1.2.3.0x4/events",
        "https://127.0.0.1.",
        "https://１２７.0.0.1/events",
        // Names that say nothing to anybody outside.
        "https://localhost/events",
        "https://intranet/events",
        "http://localhost:3005/events",
        "http://127.0.0.2:3005/events",
        "http://127.0.0.1.partner.example/events",
        "http://[::2]:3005/events",
        "http://127.0.0.1:port/events",
        "http://user@127.0.0.1:3005/events",
        // What a reader may drop, or take for a slash.
        "https://partner.example\\@10.0.0.1/events",
        "https://partner.example/events#here",
        "https://partner.example/ev ents",
        "https://partner.example/events\n",
        "https://partner\t.example/events",
        " https://partner.example/events",
        "https://partner%2eexample/events",
        "https:///events",
        "https://.partner.example/events",
        "https://partner..example/events",
    ] {
        assert!(!matches("PartnerWebhookUrl", bad), "{bad}");
    }
}

/// The bus is one of this account and region: the role names it so.
#[test]
fn the_event_bus_is_a_name_and_no_arn() {
    for good in ["default", "onboarding-events", "aws.partner/example.com/1234/events", "Bus_1"] {
        assert!(matches("EventBusName", good), "{good}");
    }
    for bad in ["", "arn:aws:events:eu-central-1:123456789012:event-bus/default", "*", "my bus", "${AWS::StackName}"] {
        assert!(!matches("EventBusName", bad), "{bad}");
    }
}
