//! What the popup reports.

use meta_graph::session::{Session, SessionEvent};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::graph::sample_json;

#[test]
fn every_session_sample_is_understood() {
    for (name, event, finished) in [
        ("finish", SessionEvent::Finish, true),
        ("finish_coexistence", SessionEvent::FinishCoexistence, true),
        ("finish_grant_only_api_access", SessionEvent::FinishGrantOnlyApiAccess, true),
        ("finish_only_waba", SessionEvent::FinishOnlyWaba, true),
        ("cancel_step", SessionEvent::Cancel, false),
        ("cancel_reported_error", SessionEvent::Cancel, false),
        ("error", SessionEvent::Error, false),
    ] {
        let session = Session::from_json(&sample_json(&format!("es.message.{name}.json"))).unwrap();
        assert_eq!(session.event, event, "{name}");
        assert_eq!(session.finished(), finished, "{name}");
        assert_eq!(session.waba_id.is_some(), finished, "{name}");
    }
}

#[test]
fn a_finish_event_claims_its_ids() {
    let session = Session::from_json(&sample_json("es.message.finish.json")).unwrap();
    assert_eq!(session.waba_id.unwrap().as_str(), "409812357760143");
    assert_eq!(session.phone_number_id.unwrap().as_str(), "512904417735208");
    assert_eq!(session.business_id.unwrap().as_str(), "687201944350116");
}

#[test]
fn a_cancel_event_has_its_step_and_reason() {
    let session = Session::from_json(&sample_json("es.message.cancel_step.json")).unwrap();
    assert_eq!(session.current_step.as_deref(), Some("PHONE_NUMBER_SETUP"));

    let session = Session::from_json(&sample_json("es.message.cancel_reported_error.json")).unwrap();
    assert_eq!(session.error_code.as_deref(), Some("524126"));
    assert_eq!(session.session_id.as_deref(), Some("a91c0d55be7743f"));
    assert!(session.error_message.unwrap().starts_with("Your verified name"));
}

#[test]
fn session_error_codes_may_be_text_or_number_under_either_name() {
    for data in [json!({"error_code": 524_126}), json!({"error_code": "524126"}), json!({"error_id": 524_126})] {
        let session = Session::from_json(&json!({"event": "CANCEL", "data": data})).unwrap();
        assert_eq!(session.error_code.as_deref(), Some("524126"));
    }
}

#[test]
fn an_on_behalf_of_migration_is_a_finish_and_an_unknown_event_neither() {
    let session = |event: &str| Session::from_json(&json!({"event": event})).unwrap();
    assert_eq!(session("FINISH_OBO_MIGRATION").event, SessionEvent::FinishOboMigration);
    assert!(session("FINISH_OBO_MIGRATION").finished());
    let unknown = session("FINISH_SOMETHING_NEW");
    assert_eq!((unknown.event, unknown.name.as_str()), (SessionEvent::Other, "FINISH_SOMETHING_NEW"));
    assert!(!unknown.finished());
}

#[test]
fn a_wrong_session_field_is_named_and_its_value_is_not_repeated() {
    for (session, field) in [
        (json!(null), "session"),
        (json!([]), "session"),
        (json!({}), "session.event"),
        (json!({"event": 7}), "session.event"),
        (json!({"event": "FINISH", "data": "x"}), "session.data"),
        (json!({"event": "FINISH", "data": {"waba_id": 409_812_357_760_143_i64}}), "session.data.waba_id"),
        (json!({"event": "FINISH", "data": {"waba_id": "<script>"}}), "session.data.waba_id"),
        (json!({"event": "FINISH", "data": {"phone_number_id": {}}}), "session.data.phone_number_id"),
        (json!({"event": "FINISH", "data": {"business_id": "1234"}}), "session.data.business_id"),
    ] {
        let error = Session::from_json(&session).unwrap_err();
        assert_eq!(error.field, field, "{session}");
        assert!(!error.message.is_empty() && !error.to_string().contains("script"), "{error}");
    }
}

#[test]
fn empty_session_fields_are_absent_and_texts_of_odd_shape_are_ignored() {
    let session = Session::from_json(&json!({
        "event": "FINISH", "type": "WA_EMBEDDED_SIGNUP", "version": 3, "new": true,
        "data": {"waba_id": "409812357760143", "phone_number_id": "", "business_id": null, "current_step": {}, "session_id": []},
    }))
    .unwrap();
    assert!(session.waba_id.is_some() && session.phone_number_id.is_none() && session.business_id.is_none());
    assert!(session.current_step.is_none() && session.session_id.is_none());
}

#[test]
fn session_texts_are_cut_and_on_one_line() {
    for long in ["ä".repeat(10_000), "\u{1}".repeat(10_000), "a\r\nb".repeat(10_000)] {
        let data = json!({"error_message": long, "current_step": long, "error_code": long, "session_id": long});
        let session = Session::from_json(&json!({"event": long, "data": data})).unwrap();
        assert_eq!(session.name.chars().count(), 100);
        let message = session.error_message.unwrap();
        assert_eq!(message.chars().count(), 500);
        for word in [session.current_step, session.error_code, session.session_id] {
            assert_eq!(word.as_ref().unwrap().chars().count(), 100);
            assert!(!word.unwrap().contains(char::is_control));
        }
        assert!(!message.contains(char::is_control) && !session.name.contains(char::is_control));
    }
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9]{1,25}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_session_json_panics(json in any_json(), event: String, waba in any_json(), step in any_json()) {
        let _ = Session::from_json(&json);
        let _ = Session::from_json(&json!({"event": json, "data": waba}));
        let _ = Session::from_json(&json!({"event": event, "data": {"waba_id": waba, "current_step": step}}));
    }
}
