//! The tolerant reader: what is taken out of another system's JSON, whatever shape it came in.

use std::str::FromStr;

use serde_json::Value;

/// The text at the first of `pointers` that leads to one. Numbers count, because ids are digits; blank texts do not.
pub fn text(value: &Value, pointers: &[&str]) -> Option<String> {
    pointers.iter().find_map(|pointer| match value.pointer(pointer)? {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// The id at the first of `pointers` that leads to a text. A text that is no such id counts as absent.
pub fn id<T: FromStr>(value: &Value, pointers: &[&str]) -> Option<T> {
    text(value, pointers)?.parse().ok()
}

/// The first `characters` of a text, on one line: control characters take many bytes as JSON, and nobody can read them.
pub fn one_line(text: &str, characters: usize) -> String {
    text.chars().take(characters).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
