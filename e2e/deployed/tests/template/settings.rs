//! The settings of the functions.

use std::collections::BTreeSet;

use runtime::settings::{
    self, DispatcherConfig, Env, EventConfig, HubConfig, MessagingConfig, MetaConfig, PageConfig, RetentionConfig,
    SecretsConfig, Setting, Source, TableConfig, VaultConfig, WaitConfig, WebhookConfig,
};
use serde_json::{Map, Value};

use crate::{resources, template};

fn variables(settings: &Value) -> Map<String, Value> {
    settings["Environment"]["Variables"].as_object().cloned().unwrap_or_default()
}

/// Variables that libraries read: telemetry, and the AWS SDK.
const OF_LIBRARIES: [&str; 2] = ["STACK_NAME", "AWS_ENDPOINT_URL"];

#[test]
fn the_template_declares_exactly_the_settings_that_the_code_reads() {
    let template = template();
    let mut declared = variables(&template["Globals"]["Function"]);
    for (_, function) in resources(&template, "AWS::Serverless::Function") {
        declared.extend(variables(&function));
    }
    let declared: BTreeSet<&str> = declared.iter().map(|(name, _)| name.as_str()).collect();
    let of_code: BTreeSet<&str> = settings::all().iter().map(|setting| setting.name).chain(OF_LIBRARIES).collect();
    assert_eq!(
        declared, of_code,
        "Globals.Function.Environment of template.yaml, and the settings of shared/runtime/src/settings"
    );
}

#[test]
fn every_setting_of_the_template_is_a_parameter_that_the_console_shows() {
    let template = template();
    let parameters = template["Parameters"].as_object().unwrap();
    let of_template = ["STACK_NAME", "VAULT_PREFIX", "PUBLIC_URL", "AWS_ENDPOINT_URL"];
    let resources = template["Resources"].as_object().unwrap();
    for (name, value) in variables(&template["Globals"]["Function"]) {
        // `!Ref Table` and `!GetAtt BundleSecret.Id` name resources.
        let resource = value.as_str().and_then(|value| value.split('.').next());
        let known = resource.is_some_and(|name| parameters.contains_key(name) || resources.contains_key(name));
        assert!(known || of_template.contains(&name.as_str()), "{name} is {value}");
    }
    let groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"].as_array().unwrap();
    let mut shown: Vec<&str> =
        groups.iter().flat_map(|group| group["Parameters"].as_array().unwrap()).filter_map(Value::as_str).collect();
    shown.sort_unstable();
    let mut all: Vec<&str> = parameters.keys().map(String::as_str).collect();
    all.sort_unstable();
    assert_eq!(shown, all);
    for (name, parameter) in parameters {
        assert!(parameter["Description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
}

#[test]
fn the_template_says_of_each_setting_what_the_code_says() {
    let template = template();
    let variables = variables(&template["Globals"]["Function"]);
    for Setting { name, source, description } in settings::all() {
        let (parameter, default) = match source {
            Source::Required(parameter) => (parameter, None),
            Source::Parameter(parameter, default) => (parameter, Some(default)),
            Source::Resource => continue,
        };
        let declared = &template["Parameters"][parameter];
        assert!(declared.is_object(), "template.yaml has no parameter {parameter} for {name}");
        let text = |member: &str| match &declared[member] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            number => Some(number.to_string()),
        };
        assert_eq!(text("Default").as_deref(), default, "{parameter}: its default");
        assert_eq!(text("Description").as_deref(), Some(description), "{parameter}: its description");
        let value = variables[name].to_string();
        assert!(value.contains(&format!("\"{parameter}\"")), "{name} is {value} and not !Ref {parameter}");
    }
}

#[test]
fn the_code_reads_every_setting_that_it_declares() {
    let mut env = Env::new([]);
    _ = (HubConfig::read(&mut env), MetaConfig::read(&mut env), PageConfig::read(&mut env));
    _ = (MessagingConfig::read(&mut env), WebhookConfig::read(&mut env), VaultConfig::read(&mut env));
    _ = (TableConfig::read(&mut env), SecretsConfig::read(&mut env), DispatcherConfig::read(&mut env));
    _ = (WaitConfig::read(&mut env), RetentionConfig::read(&mut env), EventConfig::read(&mut env));
    _ = settings::notify_unclaimed(&mut env);
    let declared: BTreeSet<&str> = settings::all().iter().map(|setting| setting.name).collect();
    assert_eq!(*env.read(), declared);
}
