//! `docs/openapi.yaml`, as far as tests ask it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The document.
pub(crate) struct Document(Value);

/// One answer that an operation may give: the codes of its problems, none for any other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) operation: String,
    pub(crate) status: String,
    pub(crate) code: Option<String>,
}

impl Document {
    pub(crate) fn read() -> Self {
        Self(serde_saphyr::from_str(include_str!("../../../../docs/openapi.yaml")).unwrap())
    }

    /// Every operation: method, path, and what is said of it.
    pub(crate) fn operations(&self) -> Vec<(String, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        let mut operations = Vec::new();
        for (path, item) in paths {
            for method in ["get", "head", "post", "delete"] {
                if let Some(operation) = item.get(method) {
                    operations.push((method.to_uppercase(), path.as_str(), operation));
                }
            }
        }
        operations
    }

    /// The operation that a call is: a path without parameters comes before one with, and one for all others last.
    pub(crate) fn operation_of(&self, method: &str, path: &str) -> (&str, &Value) {
        let fits = |template: &str| {
            let (asked, parts): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
            template.ends_with("+}")
                || (asked.len() == parts.len()
                    && asked.iter().zip(parts).all(|(a, p)| *a == p || (p.starts_with('{') && !a.is_empty())))
        };
        let all = self.operations();
        let mut found = all.iter().filter(|(m, template, _)| m == method && fits(template)).collect::<Vec<_>>();
        found.sort_by_key(|(_, template, _)| (template.ends_with("+}"), template.contains('{')));
        let (_, template, operation) = found.first().unwrap_or_else(|| panic!("{method} {path} is not documented"));
        (template, operation)
    }

    /// What stands behind a reference; anything else is itself.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// Every answer that the document tells of.
    pub(crate) fn told(&self) -> BTreeSet<Told> {
        let mut told = BTreeSet::new();
        for (method, path, operation) in self.operations() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = self.resolve(response);
                let one = |code| Told { operation: format!("{method} {path}"), status: status.clone(), code };
                let problem = response.pointer("/content/application~1problem+json/schema");
                let parts = problem.and_then(|schema| self.resolve(schema).get("allOf")?.as_array());
                let codes =
                    parts.into_iter().flatten().find_map(|part| part.pointer("/properties/code/enum")?.as_array());
                told.extend(codes.into_iter().flatten().map(|code| one(code.as_str().map(str::to_owned))));
                // Some problems are pages for people.
                if codes.is_none() || response.pointer("/content/text~1html; charset=utf-8").is_some() {
                    told.insert(one(None));
                }
            }
        }
        told
    }

    /// The words of an enumeration.
    pub(crate) fn words(&self, pointer: &str) -> BTreeSet<&str> {
        self.0.pointer(pointer).unwrap().as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
    }

    /// What a schema of the document has against a value.
    pub(crate) fn objections(&self, schema: &Value, value: &Value) -> Vec<String> {
        let schema = json!({ "allOf": [schema], "components": self.0["components"] });
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// The examples of a body, each with the schema that it should fit.
pub(crate) fn examples_of(body: &Value) -> Vec<(&Value, &Value)> {
    let mut examples = Vec::new();
    for content in body.get("content").and_then(Value::as_object).into_iter().flatten().map(|(_, content)| content) {
        let several = content.get("examples").and_then(Value::as_object).into_iter().flatten();
        let values = several.map(|(_, example)| &example["value"]).chain(content.get("example"));
        examples.extend(values.map(|value| (&content["schema"], value)));
    }
    examples
}
