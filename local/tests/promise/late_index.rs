//! An index of the table that shows each write only some time later, as DynamoDB's may.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Map, Value, json};

/// What the items were before they were written, and when that was, in milliseconds.
#[derive(Default)]
pub(crate) struct LateIndex {
    changes: Mutex<Vec<Change>>,
}

struct Change {
    at: i64,
    key: (String, String),
    before: Value,
}

/// A condition on an attribute of the index, such as `due_at <= :now`.
struct Condition<'a> {
    attribute: &'a str,
    operator: &'a str,
    value: &'a Value,
}

impl LateIndex {
    /// Remembers how an item was before it was written.
    pub(crate) fn written(&self, at: i64, before: Value, key: &Value) {
        self.changes.lock().unwrap().push(Change { at, key: key_of(key), before });
    }

    /// The answer to a query as it was at a time: `answer` is the true one, without a limit. `None` if the query is of a kind
    /// that no index here answers late.
    pub(crate) fn as_of(&self, at: i64, query: &Value, answer: &Value) -> Option<Value> {
        let conditions = conditions(query)?;
        let mut before: BTreeMap<(String, String), Value> = BTreeMap::new();
        for change in self.changes.lock().unwrap().iter().filter(|change| change.at > at) {
            before.entry(change.key.clone()).or_insert_with(|| change.before.clone());
        }
        let present = answer["Items"].as_array()?.iter().filter(|item| !before.contains_key(&key_of(item))).cloned();
        let fits = |item: &&Value| conditions.iter().all(|condition| condition.holds(item));
        let shown = |item: &Value| -> Value {
            let names = ["pk", "sk"].into_iter().chain(conditions.iter().map(|condition| condition.attribute));
            names.map(|name| (name.to_owned(), item[name].clone())).collect::<Map<_, _>>().into()
        };
        let mut items: Vec<Value> = present.chain(before.values().filter(fits).map(shown)).collect();
        let last = conditions.last()?.attribute;
        items.sort_by_key(|item| number(&item[last]));
        let most = query["Limit"].as_u64().and_then(|limit| limit.try_into().ok()).unwrap_or(usize::MAX);
        items.truncate(most);
        let count = items.len();
        Some(if query["Select"] == "COUNT" {
            json!({"Count": count, "ScannedCount": count})
        } else {
            json!({"Items": items, "Count": count, "ScannedCount": count})
        })
    }
}

impl Condition<'_> {
    fn holds(&self, item: &Value) -> bool {
        let found = &item[self.attribute];
        match self.operator {
            "=" => found == self.value,
            "<=" => number(found).zip(number(self.value)).is_some_and(|(found, most)| found <= most),
            other => unreachable!("no query here compares by {other}"),
        }
    }
}

fn conditions(query: &Value) -> Option<Vec<Condition<'_>>> {
    // A list has cursors, and nobody acts on it.
    if !["by_due", "by_client"].iter().any(|index| query["IndexName"] == *index) {
        return None;
    }
    let mut all = Vec::new();
    for condition in query["KeyConditionExpression"].as_str()?.split(" AND ") {
        let mut words = condition.split(' ');
        let (attribute, operator, name) = (words.next()?, words.next()?, words.next()?);
        let attribute = query["ExpressionAttributeNames"][attribute].as_str().unwrap_or(attribute);
        all.push(Condition { attribute, operator, value: &query["ExpressionAttributeValues"][name] });
    }
    Some(all)
}

fn key_of(item: &Value) -> (String, String) {
    let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    (text("pk"), text("sk"))
}

fn number(value: &Value) -> Option<i64> {
    value["N"].as_str()?.parse().ok()
}
