//! Meta's webhooks.

use exchange::WabaId;
use meta_graph::webhook::{
    ACCOUNT_UPDATE, AccountEvent, RawChange, account_updates, handshake, split, verify_signature,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::macros::datetime;

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
        assert_eq!(update.time, Some(datetime!(2026-11-03 09:59:10 UTC)));
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

#[test]
fn a_customer_who_left_is_told_by_the_waba_alone() {
    let update = |id: Value, time: Value, value: Value| {
        let changes = json!([{"field": "account_update", "value": value}]);
        let body = json!({"entry": [{"id": id, "time": time, "changes": changes}]}).to_string();
        account_updates(body.as_bytes()).remove(0)
    };
    let info = json!({"waba_id": "409812357760143", "partner_app_id": "1482000011112222"});
    let left = update(
        json!("733100000000021"),
        json!("1793699950"),
        json!({"event": "PARTNER_APP_UNINSTALLED", "waba_info": info}),
    );
    assert_eq!((left.event, left.solution_id), (AccountEvent::PartnerAppUninstalled, None));
    assert_eq!(left.waba_id.as_ref().map(WabaId::as_str), Some("409812357760143"));
    assert_eq!(left.time, Some(datetime!(2026-11-03 09:59:10 UTC)));
    // Without the account's own member the entry says which it is. Of a signup it never does.
    let reason = json!({"reason": "PRIMARY_INACTIVITY", "initiated_by": "SYSTEM"});
    let left = update(
        json!(409_812_357_760_143_u64),
        json!({}),
        json!({"event": "PARTNER_REMOVED", "disconnection_info": reason}),
    );
    assert_eq!((left.waba_id.as_ref().map(WabaId::as_str), left.time), (Some("409812357760143"), None));
    let came = update(json!("409812357760143"), json!(1e300), json!({"event": "PARTNER_ADDED"}));
    assert_eq!((came.waba_id, came.time), (None, None));
}

#[test]
fn a_webhook_is_split_into_changes_that_are_read_as_before() {
    let chat = r#"{"field": "messages", "value": {"messages": [{"text": {"body": "private words"}}]}}"#;
    let update = r#"{"field": "account_update", "value": {"event": "PARTNER_ADDED", "n": 1.0e+02, "waba_info": {"waba_id": "409812357760143"}}}"#;
    let body = format!(
        "\u{feff} {{\"object\": \"whatsapp_business_account\", \"new\": 1, \"entry\": [
            {{\"id\": \"733100000000021\", \"time\": 1793699950, \"uid\": 1, \"changes\": [{chat}, {update}]}},
            {{\"changes\": [{update}, {{\"field\": \"Caf\\ud83d\"}}]}}, {{\"id\": \"1\", \"changes\": []}}
        ]}}"
    );
    let changes = split(body.as_bytes());
    let fields: Vec<_> = changes.iter().map(|change| change.field.as_deref()).collect();
    assert_eq!(fields, [Some("messages"), Some(ACCOUNT_UPDATE), Some(ACCOUNT_UPDATE), Some("Caf\u{fffd}")]);
    assert_eq!(
        changes[1].body,
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"733100000000021","time":1793699950,"changes":[{update}]}}]}}"#
        )
    );
    assert_eq!(
        changes[2].body,
        format!(r#"{{"object":"whatsapp_business_account","entry":[{{"changes":[{update}]}}]}}"#)
    );
    let together: Vec<_> = changes.iter().flat_map(|change| account_updates(change.body.as_bytes())).collect();
    assert_eq!(together, account_updates(body.as_bytes()));
    assert_eq!(together.len(), 2);
}

#[test]
fn a_webhook_of_one_change_and_nothing_else_stays_as_it_came() {
    let body = sample("meta.webhook.account_update_partner_added.json");
    let expected = RawChange { field: Some(ACCOUNT_UPDATE.to_owned()), body: body.clone() };
    assert_eq!(split(body.as_bytes()), [expected]);
    let more = body.replace("\"time\"", "\"messages\": [\"private words\"], \"time\"");
    let changes = split(more.as_bytes());
    assert!(changes.len() == 1 && !changes[0].body.contains("private words"), "{changes:?}");
    assert_eq!(account_updates(changes[0].body.as_bytes()), account_updates(body.as_bytes()));
}

#[test]
fn what_is_no_webhook_no_entry_or_no_change_has_no_field() {
    let without = |body: &str| RawChange { field: None, body: body.to_owned() };
    for body in ["", "[]", "7", "{}", "<html>", r#"{"entry": {}}"#, r#"[[{"changes": []}]]"#] {
        assert_eq!(split(body.as_bytes()), [without(body)], "{body}");
    }
    assert_eq!(split(br#"{"entry": []}"#), []);
    let changes = split(br#"{"entry": [7, {"changes": 7}, {"changes": [null, {"field": 7}, {"field": {}}, {}]}]}"#);
    assert_eq!(changes[..2], [without("7"), without(r#"{"changes": 7}"#)]);
    let fields: Vec<_> = changes[2..].iter().map(|change| change.field.as_deref()).collect();
    assert_eq!(fields, [None, Some("7"), None, None]);
    let deep = format!(
        r#"{{"entry": [{{"changes": [{{"field": "messages", "value": {}{}}}, {{"field": "account_update"}}]}}]}}"#,
        "[".repeat(50_000),
        "]".repeat(50_000),
    );
    assert_eq!(split(deep.as_bytes()).len(), 2);
}

proptest! {
    #[test]
    fn no_meta_webhook_body_or_header_panics(bytes: Vec<u8>, header: String, json in any_json(), value in any_json()) {
        account_updates(&bytes);
        split(&bytes);
        split(json.to_string().as_bytes());
        account_updates(json.to_string().as_bytes());
        let change = json!({"entry": [{"changes": [{"field": "account_update", "value": value}, json]}]});
        let changes = split(change.to_string().as_bytes());
        prop_assert_eq!(changes.len(), 2);
        let apart: Vec<_> = changes.iter().flat_map(|change| account_updates(change.body.as_bytes())).collect();
        prop_assert_eq!(apart, account_updates(change.to_string().as_bytes()));
        let prefixed = format!("sha256={header}");
        prop_assert!(!verify(&header, &bytes, &[APP_SECRET]));
        prop_assert!(!verify(&prefixed, &bytes, &[APP_SECRET]));
    }
}
