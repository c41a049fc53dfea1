#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use partner_hub::HubCredentials;
use secrecy::ExposeSecret;
use secrets::BundleSecret;
use serde_json::{Value, json};

/// Everything that must be there, and nothing else. `canary` stands in every value.
pub(crate) fn complete() -> Value {
    json!({
        "backend_token": "canary-backend",
        "hub_api_key": "canary-hub",
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
fn every_field_of_the_secret_finds_its_place() {
    let bundle = with(&json!({
        "platform_secret_previous": "canary-before",
        "webhook_token": "canary-header",
        "meta_system_user_token": "canary-user",
        "message_webhook_headers": { "x-canary": "canary-value", "x-empty": "" },
        "comment": "for people",
    }))
    .unwrap();
    assert_eq!(bundle.backend_token.expose_secret(), "canary-backend");
    assert!(matches!(&bundle.hub, HubCredentials::ApiKey(key) if key.expose_secret() == "canary-hub"));
    let platform: Vec<_> = bundle.platform_secrets().iter().map(|secret| secret.expose_secret()).collect();
    assert_eq!(platform, ["canary-platform", "canary-before"]);
    assert_eq!(bundle.webhook_token.unwrap().expose_secret(), "canary-header");
    assert_eq!(bundle.meta_app_secret.expose_secret(), "canary-app");
    assert_eq!(bundle.meta_verify_token.expose_secret(), "canary-verify");
    assert_eq!(bundle.meta_system_user_token.unwrap().expose_secret(), "canary-user");
    assert_eq!(bundle.message_webhook_headers["x-canary"].expose_secret(), "canary-value");
    assert_eq!(bundle.message_webhook_headers.len(), 1);
}

#[test]
fn the_debug_output_of_the_bundle_secret_shows_no_secret() {
    let bundle = with(&json!({
        "hub_api_key": null,
        "hub_user_name": "robot",
        "hub_password": "canary-password",
        "message_webhook_headers": { "x-a": "canary-value" },
    }));
    let text = format!("{:?}", bundle.unwrap());
    assert!(!text.contains("canary") && text.contains("REDACTED"), "{text}");
}

#[test]
fn all_missing_and_malformed_fields_of_the_secret_are_named_at_once() {
    let error = BundleSecret::parse(
        &json!({
            "backend_token": "REPLACE_ME",
            "platform_secret": "  ",
            "meta_app_secret": 7,
            "meta_verify_token": "<REPLACE_ME with a word of your own>",
            "message_webhook_headers": { "not a header": "x", "x-number": 1 },
        })
        .to_string(),
    )
    .unwrap_err();
    assert_eq!(
        error.problems,
        [
            "backend_token is missing",
            "hub_api_key, hub_bearer_token, or hub_user_name with hub_password is missing",
            "platform_secret or webhook_token must be there, to tell the Hub's webhooks from forged ones",
            "meta_app_secret must be a text",
            "meta_verify_token is missing",
            "message_webhook_headers.not a header is not a header's name",
            "message_webhook_headers.x-number must be a text",
        ]
    );
    for text in ["", "null", "[]", "canary", "\"canary\""] {
        assert_eq!(BundleSecret::parse(text).unwrap_err().problems, ["it is not a JSON object"]);
    }
}

#[test]
fn the_secret_must_hold_exactly_one_kind_of_hub_credentials() {
    let bearer = with(&json!({ "hub_api_key": "REPLACE_ME", "hub_bearer_token": "canary-token" })).unwrap();
    assert!(matches!(bearer.hub, HubCredentials::Bearer(_)));
    let password = json!({ "hub_api_key": "", "hub_user_name": "robot", "hub_password": "canary-word" });
    assert!(matches!(with(&password).unwrap().hub, HubCredentials::Password { user_name, .. } if user_name == "robot"));

    let conflict = with(&json!({ "hub_bearer_token": "canary-token" })).unwrap_err();
    assert!(conflict[0].starts_with("only one may be there of hub_api_key"), "{conflict:?}");
    let half = with(&json!({ "hub_api_key": null, "hub_user_name": "robot" })).unwrap_err();
    assert_eq!(half, ["hub_password is missing"]);
}

#[test]
fn a_webhook_token_may_replace_the_platform_secret() {
    let bundle = with(&json!({ "platform_secret": "", "webhook_token": "canary-header" })).unwrap();
    assert!(bundle.platform_secrets().is_empty());
}
