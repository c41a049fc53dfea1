//! Meta's webhooks.

use exchange::WabaId;
use meta_graph::webhook::{AccountEvent, account_updates, handshake, verify_signature};
use proptest::prelude::*;
use serde_json::json;

use crate::graph::{APP_SECRET, sample, secret};
use crate::session::any_json;

/// `openssl dgst -sha256 -hmac made-up-app-secret` of `meta.webhook.account_update_partner_added.json`.
const SIGNATURE: &str = "20ca449484cdfdc5be0095699f9f4f675932d8f2cd2ac82ef5de26f7d016d325";

fn verify(header: &str, body: &[u8], secrets: &[&str]) -> bool {
    let secrets: Vec<_> = secrets.iter().map(|text| secret(text)).collect();
    verify_signature(header, body, &secrets.iter().collect::<Vec<_>>())
}

#[test]
fn a_meta_webhook_is_authentic_only_as_it_was_signed() {
    let body = sample("meta.webhook.account_update_partner_added.json").into_bytes();
    let header = format!("sha256={SIGNATURE}");
    assert!(verify(&header, &body, &[APP_SECRET]));
    assert!(verify(&format!("sha256={}", SIGNATURE.to_uppercase()), &body, &[APP_SECRET]));
    assert!(verify(&header, &body, &["made-up-new-secret", APP_SECRET]), "during a rotation either will do");

    assert!(!verify(&header, body.trim_ascii_end(), &[APP_SECRET]), "raw bytes count");
    assert!(!verify(&header, &body, &["made-up-new-secret"]));
    assert!(!verify(&header, &body, &[]));
    let forged = SIGNATURE.replace('a', "b");
    for header in
        ["", "sha256=", SIGNATURE, &header[..40], &format!("sha1={SIGNATURE}"), &format!("sha256={forged}"), "sha256=ü"]
    {
        assert!(!verify(header, &body, &[APP_SECRET]), "{header}");
    }
}

#[test]
fn an_empty_app_secret_authenticates_nothing() {
    // HMAC-SHA256 with an empty key over an empty message.
    let header = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    assert!(!verify(header, b"", &[""]));
    assert_eq!(handshake(Some("subscribe"), Some(""), Some("1158201444"), &secret("")), None);
}

#[test]
fn the_webhook_challenge_is_answered_only_with_the_verify_token() {
    let expected = secret("made-up-verify-token");
    let token = Some("made-up-verify-token");
    assert_eq!(handshake(Some("subscribe"), token, Some("1158201444"), &expected), Some("1158201444"));
    assert_eq!(handshake(Some("unsubscribe"), token, Some("1158201444"), &expected), None);
    assert_eq!(handshake(None, token, Some("1158201444"), &expected), None);
    assert_eq!(handshake(Some("subscribe"), Some("made-up-verify-toke"), Some("1158201444"), &expected), None);
    assert_eq!(handshake(Some("subscribe"), None, Some("1158201444"), &expected), None);
    assert_eq!(handshake(Some("subscribe"), token, None, &expected), None);
}

#[test]
fn an_account_update_names_the_finished_signup() {
    for (name, event) in [
        ("account_update_partner_added", AccountEvent::PartnerAdded),
        ("account_update_partner_app_installed", AccountEvent::PartnerAppInstalled),
    ] {
        let updates = account_updates(sample(&format!("meta.webhook.{name}.json")).as_bytes());
        let [update] = &updates[..] else { panic!("{updates:?}") };
        assert_eq!(update.event, event);
        assert_eq!(update.waba_id.as_ref().unwrap().as_str(), "409812357760143");
        assert_eq!(update.owner_business_id.as_ref().unwrap().as_str(), "687201944350116");
        assert_eq!(update.solution_id.as_deref(), Some("1093388274650217"));
    }
}

#[test]
fn other_webhook_fields_are_no_account_updates_and_other_events_keep_their_name() {
    assert!(account_updates(sample("meta.webhook.partner_solutions.json").as_bytes()).is_empty());

    let change = |value| json!({"field": "account_update", "value": value});
    let body = json!({"entry": [
        {"changes": [
            change(json!({"event": "PARTNER_REMOVED", "waba_info": {"waba_id": 409_812_357_760_143_i64}})),
            change(json!({"event": "PARTNER_APP_UNINSTALLED", "waba_info": []})),
            change(json!({"event": "SOMETHING_NEW"})),
            change(json!({"event": 7})),
            {"field": "account_update"},
            {"field": "messages", "value": {"event": "PARTNER_ADDED"}},
        ]},
        {"changes": {}},
        7,
        {"changes": [change(json!({"event": "PARTNER_ADDED", "waba_info": {"waba_id": "x", "owner_business_id": "22222"}}))]},
    ]});
    let updates = account_updates(body.to_string().as_bytes());
    let events: Vec<_> = updates.iter().map(|update| update.event.clone()).collect();
    assert_eq!(
        events,
        [
            AccountEvent::PartnerRemoved,
            AccountEvent::PartnerAppUninstalled,
            AccountEvent::Other("SOMETHING_NEW".to_owned()),
            AccountEvent::PartnerAdded,
        ]
    );
    assert_eq!(updates[0].waba_id.as_ref().map(WabaId::as_str), Some("409812357760143"));
    assert_eq!(updates[3].waba_id, None);
    assert!(updates[3].owner_business_id.is_some());
}

proptest! {
    #[test]
    fn no_meta_webhook_body_or_header_panics(bytes: Vec<u8>, header: String, json in any_json(), value in any_json()) {
        account_updates(&bytes);
        account_updates(json.to_string().as_bytes());
        let change = json!({"entry": [{"changes": [{"field": "account_update", "value": value}, json]}]});
        account_updates(change.to_string().as_bytes());
        let prefixed = format!("sha256={header}");
        prop_assert!(!verify(&header, &bytes, &[APP_SECRET]));
        prop_assert!(!verify(&prefixed, &bytes, &[APP_SECRET]));
    }
}
