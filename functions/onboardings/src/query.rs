//! The parameters of a list's query.

use std::collections::BTreeMap;

use api::{FieldError, Problem};

/// Entries on a page, unless `limit` says otherwise.
pub(crate) const PAGE: u32 = 50;
/// The highest `limit`.
const LONGEST_PAGE: u32 = 100;

/// A query that is being checked. A parameter without a value counts as not given.
pub(crate) struct Query<'a> {
    given: BTreeMap<&'a str, Vec<&'a str>>,
    errors: Vec<FieldError>,
}

impl<'a> Query<'a> {
    /// Reads a query of which these parameters are known, each given at most once.
    pub(crate) fn read(pairs: impl Iterator<Item = (&'a str, &'a str)>, known: &[&str]) -> Self {
        let mut query = Self { given: BTreeMap::new(), errors: Vec::new() };
        for (name, value) in pairs {
            query.given.entry(name).or_default().push(value);
        }
        for (name, values) in &query.given {
            let message = if !known.contains(name) {
                format!("is unknown; expected one of {}", known.join(", "))
            } else if values.len() > 1 {
                "must be given once".to_owned()
            } else {
                continue;
            };
            query.errors.push(FieldError { field: (*name).to_owned(), message });
        }
        query
    }

    /// The value of a parameter.
    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        self.given.get(name).and_then(|values| values.first().copied()).filter(|value| !value.is_empty())
    }

    /// Refuses a parameter that is given without a value.
    pub(crate) fn refuse_empty(&mut self, name: &str) {
        if self.given.get(name).is_some_and(|values| values.iter().all(|value| value.is_empty())) {
            self.wrong(name, "is empty");
        }
    }

    /// The value of a parameter, checked.
    pub(crate) fn checked<T>(&mut self, name: &str, check: fn(&str) -> Result<T, String>) -> Option<T> {
        match self.value(name).map(check)? {
            Ok(value) => Some(value),
            Err(message) => {
                self.wrong(name, message);
                None
            }
        }
    }

    /// Remembers what is wrong with a parameter.
    pub(crate) fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: name.to_owned(), message: message.into() });
    }

    /// A problem that names all that is wrong, if anything is.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(self.errors)) }
    }
}

/// The length of a page.
pub(crate) fn limit(text: &str) -> Result<u32, String> {
    up_to(LONGEST_PAGE, text)
}

/// A number from 1 to `most`.
pub(crate) fn up_to(most: u32, text: &str) -> Result<u32, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (1..=most).contains(number));
    number.ok_or_else(|| format!("must be a number from 1 to {most}"))
}

/// 422: the cursor is of no page of this list.
pub(crate) fn wrong_cursor() -> Problem {
    Problem::invalid_field("cursor", "must be the next_cursor of an earlier page of the same list")
}
