//! What Meta's popup is to be filled with.

use api::FieldError;
use serde_json::{Map, Value};

use super::fields::wrong;

/// The largest prefill, in bytes of JSON. The record as a whole has to fit into one item.
const PREFILL: usize = 8 * 1024;
/// The largest integer that JavaScript, and so the page, tells from its neighbors: 2^53 - 1.
const LARGEST_EXACT: u64 = (1 << 53) - 1;

pub(super) fn check_prefill(errors: &mut Vec<FieldError>, mut prefill: Map<String, Value>) -> Map<String, Value> {
    if prefill.contains_key("solutionID") {
        wrong(errors, "prefill.solutionID", "is set by this service");
    }
    for (name, member) in &mut prefill {
        keep_digits(errors, &format!("prefill.{name}"), member);
    }
    if serde_json::to_string(&prefill).map_or(0, |text| text.len()) > PREFILL {
        wrong(errors, "prefill", format!("must be at most {PREFILL} bytes of JSON"));
    }
    prefill
}

/// Makes texts of integers that the page would round. Meta's ids may come as numbers.
fn keep_digits(errors: &mut Vec<FieldError>, field: &str, value: &mut Value) {
    match value {
        Value::Number(number) => match number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)) {
            Some(size) if size > LARGEST_EXACT => *value = number.to_string().into(),
            // Beyond 64 bits the digits are lost already.
            None if number.as_f64().is_some_and(|number| number.abs() > 9e15) => {
                wrong(errors, field, "must be a text, because a number of this size loses digits");
            }
            _ => {}
        },
        Value::Array(members) => {
            for (index, member) in members.iter_mut().enumerate() {
                keep_digits(errors, &format!("{field}.{index}"), member);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                keep_digits(errors, &format!("{field}.{name}"), member);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_that_javascript_would_round_become_texts() {
        let prefill = json!({
            "business": {"id": 10_203_040_506_070_809_u64, "small": 9_007_199_254_740_991_u64, "negative": i64::MIN},
            "phones": [{"code": 49}, 9_007_199_254_740_992_u64, 0.5, true, null, "9007199254740993"],
        });
        let mut errors = Vec::new();
        let kept = check_prefill(&mut errors, prefill.as_object().cloned().unwrap());
        let expected = json!({
            "business": {"id": "10203040506070809", "small": 9_007_199_254_740_991_u64, "negative": "-9223372036854775808"},
            "phones": [{"code": 49}, "9007199254740992", 0.5, true, null, "9007199254740993"],
        });
        assert_eq!((Value::Object(kept), errors), (expected, Vec::new()));
    }

    #[test]
    fn a_number_whose_digits_are_lost_is_refused_by_its_path() {
        let prefill =
            serde_json::from_str::<Value>(r#"{"a": [{"b": 123456789012345678901234567890}, 1e300]}"#).unwrap();
        let mut errors = Vec::new();
        check_prefill(&mut errors, prefill.as_object().cloned().unwrap());
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["prefill.a.0.b", "prefill.a.1"]);
    }
}
