//! Ids as JSON numbers, as they have been seen.

use serde_json::Value;

/// Turns the digits of every id in `value` into a number.
pub(super) fn make_ids_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(make_ids_numbers),
        Value::Object(members) => {
            for (name, member) in members {
                if name == "id" || name.ends_with("_id") || name.ends_with("_ids") {
                    make_number(member);
                } else {
                    make_ids_numbers(member);
                }
            }
        }
        _ => {}
    }
}

fn make_number(id: &mut Value) {
    if let Value::Array(ids) = id {
        ids.iter_mut().for_each(make_number);
    } else if let Some(number) = id.as_str().and_then(|digits| digits.parse::<u64>().ok()) {
        *id = number.into();
    }
}
