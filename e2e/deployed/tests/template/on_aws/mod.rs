//! What MiniStack lets pass, and AWS refuses or takes otherwise. Each check says what is wrong with a template, and is shown to
//! find it in a small one.

mod streams;
mod table;

use serde_json::{Value, json};

use crate::template;

/// Reserved concurrency, wherever it stands: AWS refuses it in a new account, whose functions share ten invocations at once.
/// MiniStack takes it and does not apply it.
fn reserved_concurrency(part: &Value) -> Vec<String> {
    match part {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| {
                let reserved = (name == "ReservedConcurrentExecutions").then(|| format!("{name}: {member}"));
                reserved.into_iter().chain(reserved_concurrency(member))
            })
            .collect(),
        Value::Array(members) => members.iter().flat_map(reserved_concurrency).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn no_concurrency_is_reserved() {
    assert_eq!(reserved_concurrency(&template()), Vec::<String>::new());
    for wrong in [
        json!({ "Globals": { "Function": { "ReservedConcurrentExecutions": 5 } } }),
        json!({ "Resources": { "F": { "Properties": { "ReservedConcurrentExecutions": "Limit" } } } }),
        json!({ "Resources": [{ "F": { "ReservedConcurrentExecutions": 0 } }] }),
    ] {
        assert_eq!(reserved_concurrency(&wrong).len(), 1, "{wrong}");
    }
}
