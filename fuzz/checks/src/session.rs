//! What the browser says Meta's popup said: ids are ids, texts are short, and what is refused is not repeated.

use exchange::{BusinessId, PhoneNumberId, WabaId};
use meta_graph::session::Session;
use serde_json::Value;

const FIELDS: [&str; 6] = [
    "session",
    "session.event",
    "session.data",
    "session.data.waba_id",
    "session.data.phone_number_id",
    "session.data.business_id",
];

const MESSAGES: [&str; 5] = [
    "must be an object",
    "must be a string",
    "not a WABA id: 5 to 20 digits",
    "not a phone number id: 5 to 20 digits",
    "not a business portfolio id: 5 to 20 digits",
];

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    let session = match Session::from_json(&json) {
        Ok(session) => session,
        Err(error) => {
            assert!(FIELDS.contains(&error.field.as_str()), "{}", error.field);
            assert!(MESSAGES.contains(&error.message.as_str()), "{}", error.message);
            return;
        }
    };
    let ids = [
        session.waba_id.as_ref().map(WabaId::as_str),
        session.phone_number_id.as_ref().map(PhoneNumberId::as_str),
        session.business_id.as_ref().map(BusinessId::as_str),
    ];
    for id in ids.into_iter().flatten() {
        assert!((5..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    }
    let texts = [
        &session.current_step,
        &session.error_code,
        &session.error_message,
        &session.session_id,
        &Some(session.name.clone()),
    ];
    assert!(texts.into_iter().flatten().all(|text| text.chars().count() <= 500));
    // Only Meta's own words for a finish make one.
    assert!(!session.finished() || session.name.starts_with("FINISH"));
}
