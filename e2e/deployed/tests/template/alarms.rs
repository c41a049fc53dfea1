//! Alarms: one for each kind of trouble, none for anything else.

use std::collections::BTreeSet;

use queue::Step;
use serde_json::{Value, json};
use telemetry::Metric;

use crate::{resources, template};

/// Metrics of AWS that have an alarm, each of a kind of trouble.
const ALARMED: [(&str, &str); 5] = [
    (FAILURES, "function_failed"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/ApiGateway", "5XXError"),
    ("AWS/ApiGateway", "4XXError"),
];
/// Our metrics that are nothing to act on by themselves, or that strangers count up. Every other has an alarm.
const WITHOUT_ALARM: [Metric; 3] = [Metric::WebhookRejected, Metric::WebhookUnknownEvent, Metric::LineLength];
/// The alarm on what each run of the schedule counts: that nothing is counted is trouble too.
const OF_SCHEDULE: &str = "LineAlarm";
/// The namespace of the functions' failures. It names the stack, as a metric filter cannot add a dimension.
const FAILURES: &str = "WhatsAppOnboarding/${AWS::StackName}";
/// An alarm costs 0.10 USD a month. More would cost more than they tell.
const MOST_ALARMS: usize = 19;

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
        let missing = if name == OF_SCHEDULE { "breaching" } else { "notBreaching" };
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
    assert!(functions.len() >= 10, "{} functions", functions.len());
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
        |message: &str| json!({ "level": "ERROR", "message": message, "error": "the table is out of reach" });
    let failed_runs = [reconciliation::FAILED, dispatcher::FAILED].map(failed_run);
    for line in [report("error"), report("failure"), report("timeout")].into_iter().chain(failed_runs) {
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
fn every_queue_has_a_worker_and_all_have_one_dead_letter_queue_with_an_alarm() {
    let template = template();
    let queues = resources(&template, "AWS::SQS::Queue");
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let of_workers: Vec<_> = queues.iter().filter(|(_, queue)| queue.get("RedrivePolicy").is_some()).collect();
    // One for each step, and that of the events.
    assert_eq!(of_workers.len(), Step::queued().count() + 1);
    assert_eq!(queues.len(), of_workers.len() + 1);
    let functions = resources(&template, "AWS::Serverless::Function");
    for (name, queue) in of_workers {
        assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"], "DeadLetters.Arn", "{name}");
        let reads = |function: &Value| function["Events"]["Messages"]["Properties"]["Queue"] == format!("{name}.Arn");
        let mut readers = functions.iter().filter(|(_, function)| reads(function));
        let (_, reader) = readers.next().unwrap_or_else(|| panic!("nobody reads {name}"));
        assert!(readers.next().is_none(), "{name} has two readers");
        // AWS, Lambda with SQS: at least six times the function's timeout.
        assert_eq!(
            queue["VisibilityTimeout"].as_u64(),
            reader["Timeout"].as_u64().map(|seconds| 6 * seconds),
            "{name}"
        );
    }
    let dimension = json!([{ "Name": "QueueName", "Value": "DeadLetters.QueueName" }]);
    assert!(alarms.iter().any(|(_, alarm)| alarm["Dimensions"] == dimension), "it has no alarm");
}
