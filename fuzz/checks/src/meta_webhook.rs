//! A webhook of Meta's: what is read from it is in it, and what cannot be read is left out.

use exchange::{BusinessId, WabaId};
use meta_graph::webhook::{AccountEvent, account_updates};
use serde_json::Value;

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(body: &[u8]) {
    let updates = account_updates(body);
    let Ok(envelope) = serde_json::from_slice::<Value>(body) else {
        assert!(updates.is_empty(), "read from what is no JSON");
        return;
    };
    let mut said = Vec::new();
    collect(&envelope, &mut said);
    for update in updates {
        let digits = |id: &str| (5..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        let waba = update.waba_id.as_ref().map(WabaId::as_str);
        let owner = update.owner_business_id.as_ref().map(BusinessId::as_str);
        assert!([waba, owner].into_iter().flatten().all(digits));
        for text in [waba, owner, update.solution_id.as_deref()].into_iter().flatten() {
            assert!(said.iter().any(|value| value == text), "{text} is nowhere in the body");
        }
        if let AccountEvent::Other(name) = &update.event {
            assert!(!["PARTNER_ADDED", "PARTNER_APP_INSTALLED"].contains(&name.as_str()));
        }
    }
}

/// Every text and number of a JSON value. Blanks around a text are dropped, as the reader drops them.
fn collect(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::String(text) => said.push(text.trim().to_owned()),
        Value::Number(number) => said.push(number.to_string()),
        Value::Array(members) => members.iter().for_each(|member| collect(member, said)),
        Value::Object(members) => members.values().for_each(|member| collect(member, said)),
        Value::Null | Value::Bool(_) => {}
    }
}
