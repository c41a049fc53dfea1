//! What holds for anything that anyone may send.

use partner_hub::signature::verify;
use partner_hub::webhook::{parse, split};
use proptest::prelude::*;
use secrecy::SecretString;
use serde::de::IgnoredAny;

/// Texts of JSON values with all that a second writing would change: blanks, escapes, the spelling of numbers.
fn element() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just(r#""\u00e4\/\n""#.to_owned()),
        Just("-0.10E+2".to_owned()),
        any::<u128>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let keys = prop_oneof![Just("id"), Just("event"), Just("data"), Just("channel_id"), Just("client")];
        let member = (keys, inner.clone()).prop_map(|(key, value)| format!("\"{key}\" :\t{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|values| format!("[ {}]", values.join(" ,\n"))),
            prop::collection::vec(member, 0..4).prop_map(|members| format!("{{ {}}}", members.join(", "))),
        ]
    })
}

proptest! {
    #[test]
    fn a_webhook_body_that_is_not_json_is_kept_whole(body: Vec<u8>) {
        if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
            let events = split(&body);
            // Unless it is JSON once it is mended.
            prop_assert!(events.len() == 1 || serde_json::from_str::<IgnoredAny>(&exchange::json_text(&body)).is_ok());
            prop_assert!(events.len() != 1 || events[0].body.trim() == exchange::json_text(&body).trim());
        }
    }

    #[test]
    fn a_webhook_text_that_is_not_json_is_kept_to_the_byte(body: String) {
        let body = body.trim_start_matches('\u{feff}').replace('\\', "/");
        if serde_json::from_str::<IgnoredAny>(&body).is_err() {
            prop_assert_eq!(&split(body.as_bytes())[0].body, &body);
        }
    }

    #[test]
    fn the_elements_of_a_webhook_array_are_kept_to_the_byte(elements in prop::collection::vec(element(), 0..5)) {
        let body = format!(" [\n{} ]\r\n", elements.join(" ,  "));
        let events = split(body.as_bytes());
        prop_assert_eq!(events.iter().map(|event| event.body.clone()).collect::<Vec<_>>(), elements);
    }

    #[test]
    fn reading_a_hub_webhook_never_panics(json in element(), text: String, event in "channel_[a-z_]{3,20}") {
        parse(&json);
        parse(&text);
        parse(&format!(r#"{{"event": "{event}", "data": {json}, "channel_id": {json}}}"#));
        let data = format!(r#"{{"id": "Rb82LdCH", "setup_info": {json}, "client": {json}}}"#);
        parse(&format!(r#"{{"event": "channel_live", "data": {data}}}"#));
    }

    #[test]
    fn no_random_header_is_a_valid_hub_signature(header: String, body: Vec<u8>, secret: String) {
        prop_assert!(!verify(&header, &body, &[&SecretString::from(secret)]));
    }

    #[test]
    fn no_random_hex_digits_are_a_valid_hub_signature(digits in "(sha256=)?[0-9a-fA-F]{0,70}", body: Vec<u8>) {
        prop_assert!(!verify(&digits, &body, &[&SecretString::from("made-up-platform-secret")]));
    }
}
