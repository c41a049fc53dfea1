//! Holds every event that a test causes against `docs/asyncapi.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use event_bus::MemoryBus;
use jsonschema::Validator;
use onboarding::EventType;
use serde_json::{Value, json};

/// The document.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../../../../docs/asyncapi.yaml")).unwrap());
/// What each type of event must look like.
static TYPES: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let validator = |kind: &EventType| {
        let reference = format!("#/components/schemas/{}", schema_name(kind.as_str()));
        let schema = json!({ "$ref": reference, "components": DOCUMENT["components"] });
        jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
    };
    EventType::ALL.iter().map(|kind| (kind.as_str().to_owned(), validator(kind))).collect()
});

/// Looks at the events of a stack when a test lets go of it.
pub(crate) struct EventCheck(pub(crate) MemoryBus);

impl Drop for EventCheck {
    fn drop(&mut self) {
        let events = self.0.events();
        let problems: Vec<String> =
            events.iter().flat_map(|event| objections(&event.detail_type, &event.detail)).collect();
        assert!(std::thread::panicking() || problems.is_empty(), "docs/asyncapi.yaml: {problems:#?}");
    }
}

/// What the document has against an event.
pub(crate) fn objections(kind: &str, event: &str) -> Vec<String> {
    let Some(validator) = TYPES.get(kind) else { return vec![format!("{kind} is not a type")] };
    let value: Value = serde_json::from_str(event).unwrap();
    validator.iter_errors(&value).map(|error| format!("{}: {error}: {event}", error.instance_path())).collect()
}

/// `onboarding.permission_required` is `OnboardingPermissionRequired`.
fn schema_name(kind: &str) -> String {
    let words = kind.split(['.', '_']).filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_uppercase() + rest).collect()
}

#[test]
fn the_event_document_has_the_types_of_the_code_and_its_examples_fit() {
    let words = DOCUMENT["components"]["schemas"]["EventType"]["enum"].as_array().unwrap().iter();
    let words: BTreeSet<&str> = words.map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words, EventType::ALL.iter().map(|kind| kind.as_str()).collect());
    let mut examples = 0;
    for message in DOCUMENT["components"]["messages"].as_object().unwrap().values() {
        for example in message["examples"].as_array().into_iter().flatten() {
            let payload = example["payload"].get("detail").unwrap_or(&example["payload"]);
            let problems = objections(payload["type"].as_str().unwrap(), &payload.to_string());
            assert_eq!(problems, [""; 0]);
            examples += 1;
        }
    }
    assert!(examples >= EventType::ALL.len(), "{examples}");
}
