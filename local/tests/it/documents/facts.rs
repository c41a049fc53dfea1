//! The documents name what the code and the template have: routes, codes, alarms, metrics, parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use api::{ProblemCode, ROUTES};
use onboarding::{FailureCode, Step, Tier};
use runtime::settings::Source;
use serde_json::Value;
use telemetry::Metric;
use workflow::WebhookOutcome;

const DEPLOY: &str = include_str!("../../../../docs/deploy.md");
const OPERATIONS: &str = include_str!("../../../../docs/operations.md");
const THREATS: &str = include_str!("../../../../docs/threat-model.md");
const README: &str = include_str!("../../../../README.md");

type Words = BTreeSet<String>;

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The template, its tags left out: `!Ref Table` is `Table`.
fn template() -> Value {
    serde_saphyr::from_str(include_str!("../../../../template.yaml")).unwrap()
}

fn openapi() -> Value {
    serde_saphyr::from_str(include_str!("../../../../docs/openapi.yaml")).unwrap()
}

fn enumeration(document: &Value, schema: &str) -> Words {
    let words = document["components"]["schemas"][schema]["enum"].as_array().unwrap();
    words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Words {
    all.iter().map(|item| word(*item).to_owned()).collect()
}

fn keys(value: &Value) -> Words {
    value.as_object().unwrap().keys().cloned().collect()
}

fn alarms(template: &Value) -> Words {
    let resources = template["Resources"].as_object().unwrap().iter();
    resources
        .filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm")
        .map(|(name, _)| name.clone())
        .collect()
}

/// What stands in backticks, on one line.
fn in_backticks(text: &str) -> Words {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(ToOwned::to_owned).collect()
}

/// The first words of a table's rows, below a heading.
fn rows(document: &str, heading: &str) -> Words {
    let section = document.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(ToOwned::to_owned).collect()
}

#[test]
fn the_api_document_has_the_routes_of_the_code() {
    let mut documented = Words::new();
    for (path, item) in openapi()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert_eq!(documented, routes(), "paths of docs/openapi.yaml, and the routes of shared/api/src/routes.rs");
}

fn routes() -> Words {
    ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect()
}

/// README and docs/api.md may leave routes to the API document, but name none that is not there.
#[test]
fn every_route_that_the_readme_and_the_api_guide_name_exists() {
    for (document, text) in [("README.md", README), ("docs/api.md", include_str!("../../../../docs/api.md"))] {
        let named: Words = in_backticks(text).into_iter().flat_map(|words| named_routes(&words)).collect();
        assert!(named.len() > 5, "{document}: {named:?}");
        let unknown: Vec<_> = named.difference(&routes()).cloned().collect();
        assert!(unknown.is_empty(), "{document} names {unknown:?}");
    }
}

/// The routes that a text in backticks names, such as `GET /onboardings?status=`.
fn named_routes(words: &str) -> Vec<String> {
    let Some((method, path)) = words.split_once(' ').filter(|(method, _)| ["GET", "POST", "DELETE"].contains(method))
    else {
        return Vec::new();
    };
    let path = path.split(['?', ' ']).next().unwrap_or_default();
    if path.starts_with('/') && !path.starts_with("/v1") { vec![format!("{method} {path}")] } else { Vec::new() }
}

#[test]
fn the_deployment_document_explains_every_parameter_of_a_setting() {
    let section = DEPLOY.split("\n### Parameters\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for setting in runtime::settings::all() {
        let (parameter, default) = match setting.source {
            Source::Required(parameter) => (parameter, ""),
            Source::Parameter(parameter, default) => (parameter, default),
            Source::Resource => continue,
        };
        let row = section.lines().find(|line| line.contains(&format!("`{parameter}`")));
        let row = row.unwrap_or_else(|| panic!("docs/deploy.md, Parameters: {parameter} is missing"));
        // The rows of rarely changed ones have their default in the second column.
        if row.starts_with('|') && row.matches(" | ").count() >= 2 {
            let cell = row.split('|').nth(2).unwrap().trim().trim_matches('`');
            assert_eq!(cell, default, "docs/deploy.md: the default of {parameter}");
        }
    }
}

#[test]
fn the_api_document_has_every_problem_code() {
    assert_eq!(words(ProblemCode::ALL, ProblemCode::as_str), enumeration(&openapi(), "ProblemCode"));
}

#[test]
fn the_api_document_has_every_step_and_every_tier() {
    let told = "of shared/onboarding/src, and of docs/openapi.yaml";
    assert_eq!(words(Step::ALL, Step::as_str), enumeration(&openapi(), "Step"), "steps {told}");
    assert_eq!(words(Tier::ALL, Tier::as_str), enumeration(&openapi(), "Tier"), "tiers {told}");
}

#[test]
fn every_failure_code_is_in_the_operations_document() {
    let codes = words(FailureCode::ALL, FailureCode::as_str);
    assert_eq!(codes, rows(OPERATIONS, "Failed onboardings"), "failure codes of the code, and of docs/operations.md");
    assert_eq!(codes, enumeration(&openapi(), "FailureCode"), "failure codes of the code, and of docs/openapi.yaml");
}

#[test]
fn every_webhook_outcome_is_in_the_operations_document() {
    let outcomes = words(WebhookOutcome::ALL, WebhookOutcome::as_str);
    assert_eq!(
        outcomes,
        rows(OPERATIONS, "What becomes of a webhook"),
        "outcomes of the code, and of docs/operations.md"
    );
}

#[test]
fn every_alarm_is_in_the_operations_document() {
    let alarms = alarms(&template());
    let section = OPERATIONS.split("\n## Alarms\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let named = in_backticks(section).into_iter().filter(|word| word.ends_with("Alarm")).collect();
    assert_eq!(alarms, named, "alarms of template.yaml, and of the table in docs/operations.md");
}

#[test]
fn every_metric_has_an_alarm_or_is_in_the_operations_document() {
    let counted = words(Metric::ALL, Metric::as_str);
    let template = template();
    let alarms = alarms(&template);
    let metric = |name: &String| template["Resources"][name]["Properties"]["MetricName"].as_str().unwrap().to_owned();
    let alarmed: Words = alarms.iter().map(metric).collect();
    let without: Words = counted.difference(&alarmed).cloned().collect();
    let explained = rows(OPERATIONS, "Counted without an alarm");
    assert_eq!(
        without, explained,
        "metrics of shared/telemetry/src/lib.rs that have no alarm in template.yaml, and those that docs/operations.md explains"
    );
}

#[test]
fn every_template_name_in_the_documents_exists_in_the_template() {
    // AWS's, Rust's, and the namespace of the metrics.
    const OTHERS: [&str; 5] =
        ["BlockedRequests", "ConcurrentExecutions", "DeleteSecret", "SecretString", "WhatsAppOnboarding"];

    let template = template();
    let mut known = Words::from(OTHERS.map(ToOwned::to_owned));
    for section in ["Parameters", "Outputs", "Resources"] {
        known.extend(keys(&template[section]));
    }
    let camel_case = |word: &String| {
        let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
        capitals > 1
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.bytes().all(|b| b.is_ascii_alphabetic())
    };
    for (document, text) in [("README", README), ("deploy", DEPLOY), ("operations", OPERATIONS), ("threats", THREATS)] {
        let named: Words = in_backticks(text).into_iter().filter(camel_case).collect();
        let constants = |word: &&String| word.bytes().any(|b| b.is_ascii_lowercase());
        let unknown: Vec<_> = named.difference(&known).filter(constants).collect();
        assert!(unknown.is_empty(), "{document}: {unknown:?}");
    }
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        let must_be_answered = parameter.get("Default").is_none();
        assert!(!must_be_answered || DEPLOY.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_field_of_the_secrets_is_in_the_deployment_document() {
    let (bundle, worker) = (generated_fields("BundleSecret"), generated_fields("WorkerSecret"));
    // The workers' fields stand in the edge's secret too, because its string must not change.
    let edge: Words = bundle.difference(&worker).cloned().collect();
    let mut shown = DEPLOY.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    for fields in [&edge, &worker] {
        assert_eq!(&keys(&serde_json::from_str(shown.next().unwrap()).unwrap()), fields);
    }
    let secrets = ["onboarding/bundle", "onboarding/worker", "onboarding/sealing-key", "onboarding/header-key"]
        .map(ToOwned::to_owned);
    let all = edge.into_iter().chain(worker).chain(secrets).collect();
    assert_eq!(rows(DEPLOY, "Fill the secrets"), all);
}

/// The fields that a secret has when it is deployed.
fn generated_fields(secret: &str) -> Words {
    let generated = &template()["Resources"][secret]["Properties"]["GenerateSecretString"];
    let fields: Value = serde_json::from_str(generated["SecretStringTemplate"].as_str().unwrap()).unwrap();
    let mut names = keys(&fields);
    names.insert(generated["GenerateStringKey"].as_str().unwrap().to_owned());
    names
}

/// A deployment makes a secret anew, and so overwrites what an operator has filled in, when this part of it changes.
#[test]
fn no_release_overwrites_a_secret_that_is_filled_in() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap().iter();
    let secrets = resources.filter(|(_, resource)| resource["Type"] == "AWS::SecretsManager::Secret");
    let digests: Vec<_> = secrets
        .map(|(name, secret)| {
            let properties = &secret["Properties"];
            let generated: BTreeMap<_, _> = properties["GenerateSecretString"].as_object().unwrap().iter().collect();
            let digest = exchange::sha256_hex(serde_json::to_vec(&generated).unwrap());
            // Under another name it would be another secret.
            (name.as_str(), properties["Name"].as_str().unwrap(), digest)
        })
        .collect();
    let digests: BTreeSet<_> = digests.iter().map(|(name, path, digest)| (*name, *path, digest.as_str())).collect();
    let released = [
        (
            "BundleSecret",
            "${AWS::StackName}/bundle",
            "7bb7ba6246f9708d0c610732cec47d4e77dc94b3c07cd5ddb06d311ce72a2a6c",
        ),
        (
            "HeaderKey",
            "${AWS::StackName}/header-key",
            "653bc29d3fa23abadb74f6321f49e1b3adc173c9ce1c1484a3ad6f85b0a368dd",
        ),
        (
            "SealingKey",
            "${AWS::StackName}/sealing-key",
            "653bc29d3fa23abadb74f6321f49e1b3adc173c9ce1c1484a3ad6f85b0a368dd",
        ),
        (
            "WorkerSecret",
            "${AWS::StackName}/worker",
            "04a3cf6f86e29bff6814ed30ccfe204233ff0ec07718a65b7bc9cde70dca8e04",
        ),
    ];
    assert_eq!(digests, released.into());
}

/// The page has these texts in every language, and what it does not have it takes from the API.
#[test]
fn the_page_and_the_api_say_the_same_of_a_failed_step() {
    let english: Value = serde_json::from_str(include_str!("../../../../signup/texts/en.json")).unwrap();
    let said = english["problem"].as_object().unwrap();
    let of_steps: Words =
        said.keys().filter(|key| !["title", "next", "reference"].contains(&key.as_str())).cloned().collect();
    assert!(of_steps.is_subset(&words(Step::ALL, Step::as_str)), "{of_steps:?}");
    for step in Step::ALL.iter().filter(|step| of_steps.contains(step.as_str())) {
        assert_eq!(said[step.as_str()], step.spec().failed, "signup/texts/en.json and shared/onboarding/src/step.rs");
    }
}

#[test]
fn only_the_dispatcher_may_send_to_the_queues() {
    let template = template();
    let one_or_many = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    for (name, role) in template["Resources"].as_object().unwrap().iter().filter(|(name, _)| name.ends_with("Role")) {
        let statements =
            role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].as_array().into_iter().flatten();
        let allowed: Words = statements
            .filter(|statement| one_or_many(&statement["Action"]).contains(&"sqs:SendMessage".into()))
            .flat_map(|statement| one_or_many(&statement["Resource"]))
            .map(|resource| resource.as_str().unwrap().to_owned())
            .collect();
        let needed: Words = match name.as_str() {
            "DispatcherRole" => {
                let of_steps = Step::queued().map(|step| format!("{}Queue.Arn", in_template(step)));
                of_steps.chain(["Deliveries.Arn".to_owned()]).collect()
            }
            _ => Words::new(),
        };
        assert_eq!(allowed, needed, "{name} of template.yaml");
    }
}

#[test]
fn the_template_wakes_the_dispatcher_with_the_records_that_it_reads() {
    let template = template();
    let stream = &template["Resources"]["Dispatcher"]["Properties"]["Events"]["Changes"]["Properties"];
    let filters = stream["FilterCriteria"]["Filters"].as_array().unwrap().iter();
    let filters: Vec<Value> =
        filters.map(|filter| serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap()).collect();
    let read: Vec<Value> = dispatcher::FILTERS.iter().map(|filter| serde_json::from_str(filter).unwrap()).collect();
    assert_eq!(filters, read, "template.yaml, and FILTERS of functions/dispatcher/src/lib.rs");
    assert_eq!(stream["BatchSize"], local::stream::BATCH);
}

/// A step's name in the template: `key_creation` is `KeyCreation`.
fn in_template(step: Step) -> String {
    let words = step.as_str().split('_').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_uppercase() + rest).collect()
}

#[test]
fn the_local_stack_delivers_messages_as_the_template_does() {
    let template = template();
    let properties = |kind: &str| -> Vec<Value> {
        let resources = template["Resources"].as_object().unwrap().values();
        resources.filter(|resource| resource["Type"] == kind).map(|resource| resource["Properties"].clone()).collect()
    };
    let deliveries: Vec<Value> = properties("AWS::SQS::Queue")
        .into_iter()
        .filter_map(|queue| queue["RedrivePolicy"].get("maxReceiveCount").cloned())
        .collect();
    // One for each step, and that of the events.
    let queues = Step::queued().count() + 1;
    assert_eq!(deliveries, vec![Value::from(local::DELIVERIES); queues]);
    let batches: Vec<Value> = properties("AWS::Serverless::Function")
        .into_iter()
        .filter_map(|function| function["Events"]["Messages"]["Properties"].get("BatchSize").cloned())
        .collect();
    assert_eq!(batches, vec![Value::from(local::BATCH); queues]);
    assert_eq!(template["Parameters"]["ReconciliationSchedule"]["Default"], "rate(5 minutes)");
    assert_eq!(local::RECONCILIATION, std::time::Duration::from_mins(5));
}
