//! A webhook of Meta's: what is read from it is in it, and what cannot be read is left out.

use exchange::{BusinessId, WabaId};
use meta_graph::webhook::{ACCOUNT_UPDATE, AccountEvent, RawChange, account_updates, split};
use serde_json::Value;

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(body: &[u8]) {
    for change in split(body) {
        let Some(field) = change.field else { continue };
        // Alone it is what it was, and nothing else came along.
        let alone = split(change.body.as_bytes());
        assert_eq!(alone, [RawChange { field: Some(field.clone()), body: change.body.clone() }]);
        assert!(account_updates(change.body.as_bytes()).len() <= usize::from(field == ACCOUNT_UPDATE));
    }
    let updates = account_updates(body);
    let Some(envelope) = exchange::json(body) else {
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
