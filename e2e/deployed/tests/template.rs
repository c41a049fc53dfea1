//! The template says what the code says: its settings, their defaults, the table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};

use api::ROUTES;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use embedded_dynamodb::Database;
use queue::Step;
use runtime::settings::{
    self, Env, HubConfig, MessagingConfig, MetaConfig, PageConfig, QueueConfig, SecretConfig, Setting, Source,
    TableConfig, VaultConfig, WaitConfig, WebhookConfig,
};
use serde_json::{Map, Value, json};
use store::schema;
use telemetry::Metric;

/// The template, its tags left out: `!Ref Table` is `Table`.
fn template() -> Value {
    serde_saphyr::from_str(include_str!("../../../template.yaml")).unwrap()
}

fn resources(template: &Value, kind: &str) -> Vec<(String, Value)> {
    let resources = template["Resources"].as_object().unwrap();
    let of_kind = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

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

/// A path holds an onboarding's id at most, but a query may hold a code or a verify token, and the execution log holds all.
#[test]
fn the_api_logs_nothing_that_could_hold_a_secret() {
    let api = resources(&template(), "AWS::Serverless::Api").remove(0).1;
    let harmless = [
        "requestId",
        "requestTime",
        "httpMethod",
        "resourcePath",
        "status",
        "responseLatency",
        "responseLength",
        "identity.sourceIp",
        "error.responseType",
        "xrayTraceId",
    ];
    let format = api["AccessLogSetting"]["Format"].as_str().unwrap();
    let logged: Vec<&str> = format.split("$context.").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(logged, harmless);
    for settings in api["MethodSettings"].as_array().unwrap() {
        let path = settings["ResourcePath"].as_str().unwrap().replacen('/', "", 1).replace("~1", "/");
        let known = |route: &api::Route| route.path == path && settings["HttpMethod"] == route.method;
        assert!(path == "*" || ROUTES.iter().any(known), "MethodSettings: {path} is no route");
        assert_eq!(settings["LoggingLevel"], "OFF");
        assert_eq!(settings["DataTraceEnabled"], Value::Null);
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
    _ = (TableConfig::read(&mut env), SecretConfig::read(&mut env), QueueConfig::read(&mut env, Step::queued()));
    _ = WaitConfig::read(&mut env);
    let declared: BTreeSet<&str> = settings::all().iter().map(|setting| setting.name).collect();
    assert_eq!(*env.read(), declared);
}

#[test]
fn the_template_routes_exactly_the_routes_of_the_code() {
    let template = template();
    let mut declared = BTreeSet::new();
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        for event in function["Events"].as_object().into_iter().flatten().map(|(_, event)| event) {
            if event["Type"] == "Api" {
                let text = |member: &str| event["Properties"][member].as_str().unwrap().to_owned();
                declared.insert((text("Method"), text("Path"), name.clone()));
            }
        }
    }
    let of_code = ROUTES
        .iter()
        .map(|route| (route.method.to_owned(), route.path.to_owned(), route.function.resource().to_owned()));
    assert_eq!(
        declared,
        of_code.collect(),
        "Events of the functions of template.yaml, and the routes of shared/api/src/routes.rs"
    );
}

/// Metrics of AWS that have an alarm, each of a kind of trouble. The dead-letter queues share one.
const ALARMED: [(&str, &str); 5] = [
    (FAILURES, "function_failed"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "Invocations"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/ApiGateway", "5XXError"),
];
/// Our metrics that are nothing to act on. Every other has an alarm.
const WITHOUT_ALARM: [Metric; 1] = [Metric::WebhookUnknownEvent];
/// The namespace of the functions' failures. It names the stack, as a metric filter cannot add a dimension.
const FAILURES: &str = "WhatsAppOnboarding/${AWS::StackName}";
/// An alarm costs 0.10 USD a month. More would cost more than they tell.
const MOST_ALARMS: usize = 20;

#[test]
fn every_kind_of_trouble_has_an_alarm_that_notifies() {
    let alarms = resources(&template(), "AWS::CloudWatch::Alarm");
    assert!(alarms.len() <= MOST_ALARMS, "{} alarms", alarms.len());
    let mut alarmed = BTreeSet::new();
    for (name, alarm) in &alarms {
        let text = |property: &str| alarm[property].as_str().unwrap_or_default();
        alarmed.insert((text("Namespace"), text("MetricName")));
        assert!(!text("AlarmDescription").is_empty(), "{name}");
        for property in ["AlarmActions", "OKActions"] {
            assert_eq!(alarm[property], json!(["AlarmTopic"]), "{name}");
        }
        // An idle stack is well, unless it is the schedule that is idle.
        let missing = if name == "ReconciliationMissingAlarm" { "breaching" } else { "notBreaching" };
        assert_eq!(alarm["TreatMissingData"], missing, "{name}");
        let dimension = match text("Namespace") {
            "WhatsAppOnboarding" => json!([{ "Name": "stack", "Value": "AWS::StackName" }]),
            "AWS/ApiGateway" => json!([{ "Name": "ApiName", "Value": "AWS::StackName" }]),
            // The concurrency is the account's, so its throttles are counted without a dimension.
            _ if text("MetricName") == "Throttles" => Value::Null,
            FAILURES => Value::Null,
            _ => continue,
        };
        assert_eq!(alarm["Dimensions"], dimension, "{name}");
    }
    let ours = Metric::ALL.iter().filter(|metric| !WITHOUT_ALARM.contains(metric));
    let expected = ALARMED.into_iter().chain(ours.map(|metric| ("WhatsAppOnboarding", metric.as_str())));
    assert_eq!(alarmed, expected.collect(), "alarms of template.yaml, and the metrics of shared/telemetry/src/lib.rs");
}

#[test]
fn failures_of_every_function_are_counted_and_stop_a_canary() {
    let template = template();
    let functions = resources(&template, "AWS::Serverless::Function");
    assert!(functions.len() >= 8, "{} functions", functions.len());
    let filters = resources(&template, "AWS::Logs::MetricFilter");
    assert_eq!(filters.len(), functions.len());
    let metric = json!([{ "MetricNamespace": FAILURES, "MetricName": "function_failed", "MetricValue": "1" }]);
    for (name, function) in functions {
        let group = &function["LoggingConfig"]["LogGroup"];
        let mut of_group = filters.iter().filter(|(_, filter)| filter["LogGroupName"] == *group);
        let (_, filter) = of_group.next().unwrap_or_else(|| panic!("{name} has no metric filter"));
        assert_eq!(filter["FilterPattern"], json!(["LogPattern", "FunctionFailed", "Pattern"]), "{name}");
        assert_eq!(filter["MetricTransformations"], metric, "{name}");
    }
    let globals = &template["Globals"]["Function"];
    assert_eq!(globals["DeploymentPreference"]["Alarms"], json!(["FunctionErrorsAlarm"]));
    // In another format, or at a higher level, Lambda writes no line that the filters know.
    assert_eq!(globals["LoggingConfig"]["LogFormat"], "JSON");
    assert_eq!(globals["LoggingConfig"]["SystemLogLevel"], "INFO");
}

#[test]
fn the_filter_of_failures_matches_lines_of_failures_alone() {
    let template = template();
    let pattern = template["Mappings"]["LogPattern"]["FunctionFailed"]["Pattern"].as_str().unwrap();
    let report = |status: &str| json!({ "type": "platform.report", "record": { "requestId": "1", "status": status } });
    let failed_run =
        json!({ "level": "ERROR", "message": reconciliation::FAILED, "error": "the table is out of reach" });
    for line in [report("error"), report("failure"), report("timeout"), failed_run] {
        assert!(matches(pattern, &line), "{line}");
    }
    // The platform says more than once how an invocation ended: it is counted once.
    let other = |kind: &str| json!({ "type": kind, "record": { "requestId": "1", "status": "error" } });
    for line in [
        report("success"),
        json!({ "type": "platform.report", "record": { "requestId": "1" } }),
        other("platform.runtimeDone"),
        other("platform.initReport"),
        other("platform.initRuntimeDone"),
        json!({ "level": "ERROR", "message": "message refused" }),
        json!({ "level": "INFO", "message": "reconciled" }),
    ] {
        assert!(!matches(pattern, &line), "{line}");
    }
}

/// What `CloudWatch` does with `{ ($.a.b = "c" && ...) || ... }`, the only form that is used.
fn matches(pattern: &str, line: &Value) -> bool {
    let all_of = |clause: &str| {
        clause.trim_matches(['(', ')']).split(" && ").all(|equation| {
            let (path, word) = equation.split_once(" = ").unwrap();
            let pointer = path.strip_prefix('$').unwrap().replace('.', "/");
            line.pointer(&pointer).and_then(Value::as_str) == Some(word.trim_matches('"'))
        })
    };
    let clauses = pattern.strip_prefix("{ ").unwrap().strip_suffix(" }").unwrap();
    clauses.split(" || ").any(all_of)
}

#[test]
fn every_queue_has_a_dead_letter_queue_with_an_alarm() {
    let template = template();
    let queues = resources(&template, "AWS::SQS::Queue");
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let workers: Vec<_> = queues.iter().filter(|(_, queue)| queue.get("RedrivePolicy").is_some()).collect();
    assert_eq!(workers.len(), Step::queued().count());
    assert_eq!(queues.len(), 2 * workers.len());
    for (name, queue) in workers {
        let dead_letters =
            queue["RedrivePolicy"]["deadLetterTargetArn"].as_str().unwrap().strip_suffix(".Arn").unwrap();
        assert!(queues.iter().any(|(name, _)| name == dead_letters), "{name}");
        let dimension = json!([{ "Name": "QueueName", "Value": format!("{dead_letters}.QueueName") }]);
        let mut of_queue = alarms.iter().filter(|(_, alarm)| alarm["Dimensions"] == dimension);
        assert!(of_queue.next().is_some(), "{dead_letters} has no alarm");
    }
}

#[tokio::test]
async fn the_table_of_the_template_is_the_one_that_the_store_makes() {
    let endpoint = embedded_dynamodb::serve(Database::memory().unwrap()).await.unwrap();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(exchange::aws_sdk::http_client(exchange::client().unwrap()));
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    schema::create_table(&client, "table").await.unwrap();
    let made = client.describe_table().table_name("table").send().await.unwrap().table.unwrap();
    let expiry = client.describe_time_to_live().table_name("table").send().await.unwrap();
    let expiry = expiry.time_to_live_description.unwrap().attribute_name.unwrap();

    let keys = |schema: &[aws_sdk_dynamodb::types::KeySchemaElement]| -> Value {
        let key = |key: &aws_sdk_dynamodb::types::KeySchemaElement| json!({ "AttributeName": key.attribute_name, "KeyType": key.key_type.as_str() });
        schema.iter().map(key).collect()
    };
    let attribute = |attribute: &aws_sdk_dynamodb::types::AttributeDefinition| json!({ "AttributeName": attribute.attribute_name, "AttributeType": attribute.attribute_type.as_str() });
    let index = |index: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription| {
        let projection = index.projection().unwrap();
        let mut told = json!({ "ProjectionType": projection.projection_type().unwrap().as_str() });
        if let Some(names) = &projection.non_key_attributes {
            told["NonKeyAttributes"] = json!(names);
        }
        json!({ "IndexName": index.index_name, "KeySchema": keys(index.key_schema()), "Projection": told })
    };
    let of_code = json!({
        "AttributeDefinitions": sorted(made.attribute_definitions().iter().map(attribute)),
        "KeySchema": keys(made.key_schema()),
        "GlobalSecondaryIndexes": sorted(made.global_secondary_indexes().iter().map(index)),
        "BillingMode": made.billing_mode_summary().unwrap().billing_mode().unwrap().as_str(),
        "TimeToLiveSpecification": { "AttributeName": expiry, "Enabled": true },
    });

    let mut of_template = resources(&template(), "AWS::DynamoDB::Table").remove(0).1;
    for list in ["AttributeDefinitions", "GlobalSecondaryIndexes"] {
        of_template[list] = sorted(of_template[list].as_array().unwrap().iter().cloned());
    }
    // What only a deployed table has.
    for name in
        ["DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification", "StreamSpecification"]
    {
        assert!(of_template.as_object_mut().unwrap().remove(name).is_some(), "{name}");
    }
    assert_eq!(of_template, of_code);
}

/// The table of the last release, from which a deployed stack is updated.
fn base_table() -> Value {
    let base = serde_saphyr::from_str(include_str!("../base.yaml")).unwrap();
    resources(&base, "AWS::DynamoDB::Table").remove(0).1
}

/// The members of a list by their names.
fn by_name(list: &Value, name: &str) -> BTreeMap<String, Value> {
    list.as_array().unwrap().iter().map(|member| (member[name].as_str().unwrap().to_owned(), member.clone())).collect()
}

/// `CloudFormation` replaces a table whose key or whose attribute's type changes, which loses its items, and refuses to
/// change an index that is there or to make two in one update (`AWS::DynamoDB::Table`). `MiniStack` does all of this.
#[test]
fn a_deployed_table_can_be_updated_to_the_one_of_the_template() {
    let (base, table) = (base_table(), resources(&template(), "AWS::DynamoDB::Table").remove(0).1);
    for property in ["KeySchema", "StreamSpecification"] {
        assert_eq!(table[property], base[property], "{property}");
    }
    let types = [&base, &table].map(|table| by_name(&table["AttributeDefinitions"], "AttributeName"));
    for (name, attribute) in &types[0] {
        assert!(types[1].get(name).is_none_or(|now| now == attribute), "the type of {name}");
    }
    let [before, mut after] = [&base, &table].map(|table| by_name(&table["GlobalSecondaryIndexes"], "IndexName"));
    let removed = before.iter().filter(|(name, _)| !after.contains_key(*name)).count();
    for (name, index) in &before {
        if let Some(now) = after.remove(name) {
            assert_eq!(now, *index, "{name}: give an index that changes another name");
        }
    }
    assert!(removed + after.len() <= 1, "more than one index is made or removed: {:?}", after.keys());
}

fn sorted(values: impl Iterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_key(ToString::to_string);
    Value::Array(values)
}
