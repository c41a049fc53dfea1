//! What the Hub's listings share: filters, sorting, paging.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::HubError;
use crate::lists::{self, List};
use crate::state::State;

/// The query of a listing: `limit`, `offset`, `sort`, `filters`.
pub(super) struct Query {
    limit: usize,
    offset: usize,
    sort: Vec<String>,
    filters: Map<String, Value>,
}

impl Query {
    /// Reads it; filters that the listing does not know are refused, as at the Hub.
    pub(super) fn read(parameters: &HashMap<String, String>, known: &[&str]) -> Result<Self, HubError> {
        let number = |name: &str, default: usize| match parameters.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| HubError::wrong_payload(&format!("{name}: Not a valid integer."))),
        };
        let filters = match parameters.get("filters").filter(|text| !text.is_empty()) {
            None => Map::new(),
            Some(text) => serde_json::from_str::<Map<String, Value>>(text)
                .map_err(|_| HubError::wrong_payload("filters: Not a valid JSON object."))?,
        };
        if let Some(unknown) = filters.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(HubError::wrong_payload(&format!("filters: {unknown}: Unknown field.")));
        }
        // One key, several with commas, or a JSON list: all have been seen.
        let sort = parameters.get("sort").map_or_else(Vec::new, |text| {
            serde_json::from_str(text).unwrap_or_else(|_| text.split(',').map(str::to_owned).collect())
        });
        Ok(Self { limit: number("limit", 20)?.min(200), offset: number("offset", 0)?, sort, filters })
    }

    /// The answer: one page of those `items` that the filters let through. Filters named in `ignored` change nothing.
    pub(super) fn answer(
        &self,
        state: &State,
        (list, name): (List, &str),
        mut items: Vec<Value>,
        ignored: &[&str],
    ) -> Result<Value, HubError> {
        let filters = self.filters.iter().filter(|(key, _)| !ignored.contains(&key.as_str()));
        for (key, wanted) in filters {
            items.retain(|item| member(item, key) == Some(wanted));
        }
        // The least important key first: sorting is stable.
        for key in self.sort.iter().rev() {
            let (field, descending) = key.strip_prefix('-').map_or((key.as_str(), false), |field| (field, true));
            if !matches!(field, "id" | "name" | "status" | "created_at" | "modified_at") {
                return Err(HubError::wrong_payload(&format!("sort: {field}: Unknown field.")));
            }
            items.sort_by_cached_key(|item| member(item, field).map(Value::to_string));
            if descending {
                items.reverse();
            }
        }
        lists::disturb(&state.lists, list, &mut items);
        let total = items.len();
        let page: Vec<Value> = items.into_iter().skip(self.offset).take(self.limit).collect();
        Ok(json!({
            "count": page.len(),
            name: page,
            "total": total,
            "limit": self.limit,
            "offset": self.offset,
            "sort": self.sort,
            "filters": self.filters,
        }))
    }
}

/// A member by its dotted name, such as `contact_info.email`.
fn member<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(item, |value, part| value.get(part))
}
