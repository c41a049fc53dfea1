//! The template says what the code says: its settings, their defaults, the table. And it says nothing that AWS refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod alarms;
mod api;
mod firewall;
mod on_aws;
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
