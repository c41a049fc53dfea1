//! What several bodies check alike.

use api::FieldError;

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
