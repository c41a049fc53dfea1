use std::time::Instant;

use ::telemetry::{Metric, count, embedded_metric, invocation_span, set_onboarding, step};
use onboarding::{OnboardingId, Step};
use serde_json::{Value, json};
use time::macros::datetime;
use vault::{SecretsManagerVault, Vault};

use crate::ports::key;
use crate::support::aws::Aws;
use crate::support::log::Log;

#[test]
fn a_step_is_one_log_line_with_the_ids_of_its_invocation() {
    let (log, _guard) = Log::start("info");
    let id = OnboardingId::generate();
    invocation_span("request-1").in_scope(|| {
        set_onboarding(id.as_str());
        step(Step::KeyCreation.as_str(), "retry", Instant::now(), Some("the Hub is busy"));
    });
    let lines = log.lines();
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["step"], "key_creation");
    assert_eq!(line["outcome"], "retry");
    assert_eq!(line["detail"], "the Hub is busy");
    assert!(line["milliseconds"].is_u64() && line["timestamp"].is_string());
    assert_eq!(line["span"]["request_id"], "request-1");
    assert_eq!(line["span"]["onboarding_id"], id.as_str());
}

#[test]
fn warnings_keep_their_ids_when_only_warnings_are_logged() {
    for level in ["WARN", "ERROR", "FATAL"] {
        let (log, _guard) = Log::start(level);
        invocation_span("request-1").in_scope(|| {
            tracing::info!("unimportant");
            tracing::error!("important");
        });
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{level}");
        assert_eq!(lines[0]["span"]["request_id"], "request-1", "{level}");
    }
}

#[test]
fn an_invalid_log_level_does_not_silence_the_log() {
    for level in ["loud", "a=b=c", "some_library=debug"] {
        let (log, _guard) = Log::start(level);
        tracing::info!("seen");
        tracing::debug!("not seen");
        assert_eq!(log.lines().len(), 1, "{level}");
    }
}

#[tokio::test]
async fn the_finest_log_level_logs_no_key() {
    let (log, _guard) = Log::start("TRACE");
    let aws = Aws::start(|_, _| Err("ResourceExistsException: there is one")).await;
    let vault = SecretsManagerVault::new(aws_sdk_secretsmanager::Client::new(&aws.config), "stack".to_owned());
    assert!(vault.store(&"Rb82LdCH".parse().unwrap(), &key("canary")).await.is_err());
    tracing::trace!(target: "lambda_runtime::layers", body = "canary", "raw event");
    let text = log.text();
    assert!(text.contains("PutSecretValue"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_count_inside_lambda_is_a_cloudwatch_metric() {
    let line = embedded_metric(Metric::WebhookRejected, 1, "a-stack", datetime!(2026-11-02 09:00 UTC));
    assert!(!line.contains('\n'));
    assert_eq!(
        serde_json::from_str::<Value>(&line).unwrap(),
        json!({
            "level": "ERROR",
            "timestamp": "2026-11-02T09:00:00Z",
            "_aws": {
                "Timestamp": 1_793_610_000_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "WhatsAppOnboarding",
                    "Dimensions": [["stack"]],
                    "Metrics": [{ "Name": "webhook_rejected", "Unit": "Count" }],
                }],
            },
            "stack": "a-stack",
            "webhook_rejected": 1,
        })
    );
}

#[test]
fn a_count_outside_lambda_is_a_line_in_the_log() {
    let (log, _guard) = Log::start("info");
    count(Metric::HubUnauthorized, 2);
    assert_eq!(log.lines()[0]["metric"], "hub_unauthorized");
    assert_eq!(log.lines()[0]["count"], 2);
}
