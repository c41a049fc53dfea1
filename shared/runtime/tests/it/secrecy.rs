//! No type that can be printed shows a secret that it holds.

use std::fmt::Debug;

use meta_graph::BusinessToken;
use partner_hub::messaging::MessageWebhook;
use partner_hub::{ApiKey, HubCredentials};
use secrecy::SecretString;
use secrets::{BundleSecret, SealingKeys, WorkerSecret};
use serde_json::json;
use time::OffsetDateTime;
use url::Url;
use workflow::steps::Callback;

fn canary() -> SecretString {
    "canary".into()
}

fn url() -> Url {
    "https://partner.example/".parse().unwrap()
}

/// Asserts that as many secrets are left out as `value` holds.
fn assert_hides(secrets: usize, value: &impl Debug) {
    let text = format!("{value:?}");
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(text.matches("REDACTED").count(), secrets, "{text}");
}

#[test]
fn printing_a_secret_shows_none_of_its_fields() {
    let bundle = BundleSecret::parse(
        &json!({
            "backend_token": "canary",
            "platform_secret": "canary",
            "platform_secret_previous": "canary",
            "webhook_token": "canary",
            "meta_app_secret": "canary",
            "meta_verify_token": "canary",
            "meta_system_user_token": "canary",
        })
        .to_string(),
    );
    assert_hides(7, &bundle.unwrap());
    let headers = json!({ "x-token": "canary" });
    let worker = json!({ "hub_api_key": "canary", "hub_token_key": "canary", "message_webhook_headers": headers });
    assert_hides(3, &WorkerSecret::parse(&worker.to_string()).unwrap());
    let sealing = json!({ "key": "canary", "previous_key": "canary" });
    assert_hides(2, &SealingKeys::parse(&sealing.to_string()).unwrap());
}

#[test]
fn printing_the_hubs_credentials_shows_none() {
    assert_hides(1, &HubCredentials::ApiKey(canary()));
    assert_hides(1, &HubCredentials::Bearer(canary()));
    assert_hides(1, &HubCredentials::Password { user_name: "robot".to_owned(), password: canary() });
}

#[test]
fn printing_an_api_key_on_its_way_to_the_vault_does_not_show_it() {
    let created_at = OffsetDateTime::UNIX_EPOCH;
    assert_hides(1, &ApiKey { api_key: canary(), address: url(), key_id: None, created_at });
}

#[test]
fn printing_a_message_webhook_does_not_show_its_headers() {
    let headers = [("x-token".to_owned(), canary())].into();
    assert_hides(1, &MessageWebhook { url: url(), headers });
}

#[test]
fn printing_what_meta_issued_shows_neither_code_nor_token() {
    assert_hides(1, &BusinessToken::new(canary()));
    assert_hides(1, &Callback { code: Some(canary()), session: None, redirect_uri: None, by_former_link: false });
}
