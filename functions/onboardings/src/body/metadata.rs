//! The partner's own words.

use std::collections::BTreeMap;

use api::FieldError;
use serde_json::{Map, Value};

use super::fields::wrong;

/// The most members.
const MEMBERS: usize = 50;
/// The longest name of one, in characters.
const NAME: usize = 40;
/// All of it, in bytes of JSON. It is in every event.
const SIZE: usize = 2048;

/// Texts by name.
pub(super) fn check_metadata(errors: &mut Vec<FieldError>, metadata: Map<String, Value>) -> BTreeMap<String, String> {
    if metadata.len() > MEMBERS {
        wrong(errors, "metadata", format!("must have at most {MEMBERS} members"));
    }
    if serde_json::to_string(&metadata).map_or(0, |text| text.len()) > SIZE {
        wrong(errors, "metadata", format!("must be at most {SIZE} bytes of JSON"));
        return BTreeMap::new();
    }
    let mut texts = BTreeMap::new();
    for (name, value) in metadata {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !(1..=NAME).contains(&name.chars().count()) || !name.chars().all(is_name) {
            let shown: String = name.chars().take(NAME).collect();
            let message =
                format!("has the member {shown:?}, whose name is not 1 to {NAME} of letters, digits, _ . and -");
            wrong(errors, "metadata", message);
        } else if let Value::String(text) = value {
            texts.insert(name, text);
        } else {
            wrong(errors, &format!("metadata.{name}"), "must be a string");
        }
    }
    texts
}
