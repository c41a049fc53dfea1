//! What is wrong with lists, to order: entries that are none, and entries that are missing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A list that can be disturbed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum List {
    Channels,
    Clients,
    PhoneNumbers,
}

/// Body of `POST /simulator/lists`. It replaces the earlier order for the list.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disturbance {
    pub(crate) list: List,
    /// Stand between the good ones, whatever was asked for.
    #[serde(default)]
    entries: Vec<Value>,
    /// Ids of those that are left out.
    #[serde(default)]
    hidden: Vec<String>,
}

/// The list as it is shown: after the filters, before it is cut into pages.
pub(crate) fn disturb(orders: &[Disturbance], list: List, items: &mut Vec<Value>) {
    let Some(order) = orders.iter().find(|order| order.list == list) else { return };
    items.retain(|item| !order.hidden.iter().any(|id| item["id"] == id.as_str()));
    for (place, entry) in order.entries.iter().enumerate() {
        items.insert((2 * place).min(items.len()), entry.clone());
    }
}
