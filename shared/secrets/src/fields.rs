//! How a secret is read that the operator fills in by hand: a JSON object of texts.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderName;
use secrecy::SecretString;
use serde_json::{Map, Value};

/// What the template puts where the operator has something to fill in.
const PLACEHOLDER: &str = "REPLACE_ME";

/// Every field of a secret that is missing or malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct IncompleteSecret {
    /// Which secret, such as `the secret …/bundle`.
    pub secret: &'static str,
    /// A sentence for each, with the field's name and without its value.
    pub problems: Vec<String>,
}

impl fmt::Display for IncompleteSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is incomplete: {}", self.secret, self.problems.join("; "))
    }
}

/// The fields of a secret, taken one by one, and what is wrong with them.
pub(crate) struct Fields {
    secret: &'static str,
    values: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    /// Reads the value of a secret.
    ///
    /// # Errors
    /// If it is not a JSON object.
    pub(crate) fn read(secret: &'static str, json: &str) -> Result<Self, IncompleteSecret> {
        // The error of the parser may repeat what it read.
        let values = serde_json::from_str(json)
            .map_err(|_| IncompleteSecret { secret, problems: vec!["it is not a JSON object".to_owned()] })?;
        Ok(Self { secret, values, problems: Vec::new() })
    }

    /// The secret, if nothing is wrong with any of its fields.
    ///
    /// # Errors
    /// Names all that are.
    pub(crate) fn finish<T>(self, secret: Option<T>) -> Result<T, IncompleteSecret> {
        match secret.filter(|_| self.problems.is_empty()) {
            Some(secret) => Ok(secret),
            None => Err(IncompleteSecret { secret: self.secret, problems: self.problems }),
        }
    }

    pub(crate) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// A text. An empty one counts as missing, and so does one with the template's placeholder.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.values.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => filled(&text).then(|| text.trim().to_owned()),
            Some(_) => {
                self.problem(format!("{name} must be a text"));
                None
            }
        }
    }

    /// A secret text that may be missing.
    pub(crate) fn optional(&mut self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// A secret text that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Option<SecretString> {
        let before = self.problems.len();
        let value = self.optional(name);
        if value.is_none() && self.problems.len() == before {
            self.problem(format!("{name} is missing"));
        }
        value
    }

    /// An object of headers and their secret values.
    pub(crate) fn headers(&mut self, name: &str) -> BTreeMap<String, SecretString> {
        let fields = match self.values.remove(name) {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => {
                self.problem(format!("{name} must be an object of texts"));
                return BTreeMap::new();
            }
        };
        let mut headers = BTreeMap::new();
        for (header, value) in fields {
            match value {
                _ if HeaderName::from_bytes(header.as_bytes()).is_err() => {
                    self.problem(format!("{name}.{header} is not a header's name"));
                }
                Value::String(text) if filled(&text) => _ = headers.insert(header, text.into()),
                // Left empty by the operator: not wanted.
                Value::Null | Value::String(_) => {}
                _ => self.problem(format!("{name}.{header} must be a text")),
            }
        }
        headers
    }

    /// Which of these fields somebody has filled in.
    pub(crate) fn filled_in(&self, names: &[&'static str]) -> Vec<&'static str> {
        let is_filled = |name: &&str| self.values.get(*name).and_then(Value::as_str).is_some_and(filled);
        names.iter().copied().filter(is_filled).collect()
    }
}

fn filled(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(PLACEHOLDER)
}
