//! What several bodies check alike.

use api::FieldError;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The longest `reference`, in characters.
pub(crate) const REFERENCE: usize = 128;

pub(super) fn wrong(errors: &mut Vec<FieldError>, field: &str, message: impl Into<String>) {
    errors.push(FieldError { field: field.to_owned(), message: message.into() });
}

pub(super) fn check(
    errors: &mut Vec<FieldError>,
    field: &str,
    value: Option<&str>,
    check: impl FnOnce(&str) -> Result<(), String>,
) {
    if let Some(Err(message)) = value.map(check) {
        wrong(errors, field, message);
    }
}

/// A text that must be there, without blanks around it and without control characters.
pub(super) fn text(errors: &mut Vec<FieldError>, field: &str, value: Option<String>, longest: usize) -> Option<String> {
    let Some(value) = value else {
        wrong(errors, field, "is missing");
        return None;
    };
    let trimmed = value.trim();
    if trimmed.is_empty() || trimmed.chars().count() > longest || trimmed.chars().any(char::is_control) {
        wrong(errors, field, format!("must be 1 to {longest} characters without control characters"));
        return None;
    }
    Some(trimmed.to_owned())
}

/// A whole number, also where it is written as `26.0`, which is the same in JSON. As serde's `deserialize_with`.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let whole = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(from_float)),
        _ => None,
    };
    let other = || D::Error::invalid_type(Unexpected::Other("another value"), &"a whole number");
    whole.map(Some).ok_or_else(other)
}

/// A float that is a whole number, as far as floats tell whole numbers apart.
#[expect(clippy::cast_possible_truncation, reason = "whole, and no larger than floats are exact")]
fn from_float(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// A member that is absent or checked.
pub(super) fn optional<T, U>(
    errors: &mut Vec<FieldError>,
    field: &str,
    value: Option<T>,
    check: impl FnOnce(T) -> Result<U, String>,
) -> Option<U> {
    match value.map(check)? {
        Ok(value) => Some(value),
        Err(message) => {
            wrong(errors, field, message);
            None
        }
    }
}
