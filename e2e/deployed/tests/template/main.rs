//! The template says what the code says: its settings, their defaults, the table. And it says nothing that AWS refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod alarms;
mod api;
mod events;
mod firewall;
mod on_aws;
mod partitions;
mod secrets;
mod settings;
mod table;

use serde_json::Value;

/// The template, its tags left out: `!Ref Table` is `Table`.
fn template() -> Value {
    serde_saphyr::from_str(include_str!("../../../../template.yaml")).unwrap()
}

fn resources(template: &Value, kind: &str) -> Vec<(String, Value)> {
    let resources = template["Resources"].as_object().unwrap();
    let of_kind = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

/// A list of what may also stand alone.
fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.clone(),
        value => vec![value.clone()],
    }
}

/// The statements of a role's own policies, and of those of the template that it names.
fn statements(template: &Value, role: &str) -> Vec<Value> {
    let role = &template["Resources"][role.strip_suffix(".Arn").unwrap_or_default()]["Properties"];
    let own = listed(&role["Policies"]).into_iter().map(|policy| policy["PolicyDocument"].clone());
    let named = listed(&role["ManagedPolicyArns"]).into_iter().map(|policy| {
        let policy = policy.as_str().unwrap_or_default();
        template["Resources"][policy]["Properties"]["PolicyDocument"].clone()
    });
    own.chain(named).flat_map(|document| listed(&document["Statement"])).collect()
}
