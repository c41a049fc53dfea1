#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use secrecy::ExposeSecret;
use secrets::BundleSecret;
use serde_json::{Value, json};

use crate::support::log::Log;

/// Everything that must be there, and nothing else. `canary` stands in every value.
pub(crate) fn complete() -> Value {
    json!({
        "backend_token": "canary-backend",
        "platform_secret": "canary-platform",
        "meta_app_secret": "canary-app",
        "meta_verify_token": "canary-verify",
    })
}

fn with(changes: &Value) -> Result<BundleSecret, Vec<String>> {
    let mut fields = complete();
    for (name, value) in changes.as_object().unwrap() {
        fields[name] = value.clone();
    }
    BundleSecret::parse(&fields.to_string()).map_err(|error| {
        assert!(!error.to_string().contains("canary"), "{error}");
        error.problems
    })
}

#[test]
fn every_field_of_the_edges_secret_finds_its_place() {
    let bundle = with(&json!({
        "platform_secret_previous": "canary-before",
        "webhook_token": "canary-header",
        "meta_system_user_token": "canary-user",
        "comment": "for people",
    }))
    .unwrap();
    assert_eq!(bundle.backend_token.expose_secret(), "canary-backend");
    let platform: Vec<_> = bundle.platform_secrets().iter().map(|secret| secret.expose_secret()).collect();
    assert_eq!(platform, ["canary-platform", "canary-before"]);
    assert_eq!(bundle.webhook_token.unwrap().expose_secret(), "canary-header");
    assert_eq!(bundle.meta_app_secret.expose_secret(), "canary-app");
    assert_eq!(bundle.meta_verify_token.expose_secret(), "canary-verify");
    assert_eq!(bundle.meta_system_user_token.unwrap().expose_secret(), "canary-user");
}

#[test]
fn all_missing_and_malformed_fields_of_the_edges_secret_are_named_at_once() {
    let error = BundleSecret::parse(
        &json!({
            "backend_token": "REPLACE_ME",
            "platform_secret": "  ",
            "meta_app_secret": 7,
            "meta_verify_token": "<REPLACE_ME with a word of your own>",
        })
        .to_string(),
    )
    .unwrap_err();
    assert_eq!(
        error.problems,
        [
            "backend_token is missing",
            "platform_secret or webhook_token must be there, to tell the Hub's webhooks from forged ones",
            "meta_app_secret must be a text",
            "meta_verify_token is missing",
        ]
    );
    for text in ["", "null", "[]", "canary", "\"canary\""] {
        assert_eq!(BundleSecret::parse(text).unwrap_err().problems, ["it is not a JSON object"]);
    }
}

#[test]
fn a_webhook_token_may_replace_the_platform_secret() {
    let bundle = with(&json!({ "platform_secret": "", "webhook_token": "canary-header" })).unwrap();
    assert!(bundle.platform_secrets().is_empty());
}

#[test]
fn credentials_of_the_hub_in_the_edges_secret_are_warned_of_and_not_read() {
    let read = |fields: Value| -> String {
        let (log, _guard) = Log::start("WARN");
        with(&fields).unwrap();
        assert!(!log.text().contains("canary"), "{}", log.text());
        log.text()
    };
    assert_eq!(read(json!({ "hub_api_key": "REPLACE_ME", "hub_password": "" })), "");
    let log = read(json!({ "hub_api_key": "canary-hub", "hub_user_name": "canary-robot" }));
    assert!(log.contains("hub_api_key, hub_user_name"), "{log}");
}
