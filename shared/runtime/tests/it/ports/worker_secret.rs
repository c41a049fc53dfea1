#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use partner_hub::HubCredentials;
use secrecy::ExposeSecret;
use secrets::WorkerSecret;
use serde_json::{Value, json};

fn with(changes: &Value) -> Result<WorkerSecret, Vec<String>> {
    let mut fields = json!({ "hub_api_key": "canary-hub", "hub_token_key": "canary-key" });
    for (name, value) in changes.as_object().unwrap() {
        fields[name] = value.clone();
    }
    WorkerSecret::parse(&fields.to_string()).map_err(|error| {
        assert!(!error.to_string().contains("canary"), "{error}");
        error.problems
    })
}

#[test]
fn every_field_of_the_workers_secret_finds_its_place() {
    let headers = json!({ "x-canary": "canary-value", "x-empty": "" });
    let worker = with(&json!({ "message_webhook_headers": headers, "comment": "for people" })).unwrap();
    assert!(matches!(&worker.hub, HubCredentials::ApiKey(key) if key.expose_secret() == "canary-hub"));
    assert_eq!(worker.hub_token_key.expose_secret(), "canary-key");
    assert_eq!(worker.message_webhook_headers["x-canary"].expose_secret(), "canary-value");
    assert_eq!(worker.message_webhook_headers.len(), 1);
}

#[test]
fn all_missing_and_malformed_fields_of_the_workers_secret_are_named_at_once() {
    let problems = with(&json!({
        "hub_api_key": "REPLACE_ME",
        "hub_token_key": null,
        "message_webhook_headers": { "not a header": "x", "x-number": 1 },
    }));
    assert_eq!(
        problems.unwrap_err(),
        [
            "hub_api_key, hub_bearer_token, or hub_user_name with hub_password is missing",
            "hub_token_key is missing",
            "message_webhook_headers.not a header is not a header's name",
            "message_webhook_headers.x-number must be a text",
        ]
    );
    for text in ["", "null", "[]", "canary", "\"canary\""] {
        assert_eq!(WorkerSecret::parse(text).unwrap_err().problems, ["it is not a JSON object"]);
    }
}

#[test]
fn the_workers_secret_must_hold_exactly_one_kind_of_hub_credentials() {
    let bearer = with(&json!({ "hub_api_key": "REPLACE_ME", "hub_bearer_token": "canary-token" })).unwrap();
    assert!(matches!(bearer.hub, HubCredentials::Bearer(_)));
    let password = json!({ "hub_api_key": "", "hub_user_name": "robot", "hub_password": "canary-word" });
    assert!(matches!(with(&password).unwrap().hub, HubCredentials::Password { user_name, .. } if user_name == "robot"));

    let conflict = with(&json!({ "hub_bearer_token": "canary-token" })).unwrap_err();
    assert!(conflict[0].starts_with("only one may be there of hub_api_key"), "{conflict:?}");
    let half = with(&json!({ "hub_api_key": null, "hub_user_name": "robot" })).unwrap_err();
    assert_eq!(half, ["hub_password is missing"]);
}
