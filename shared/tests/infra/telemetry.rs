use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use shared::config::VaultConfig;
use shared::onboarding::{OnboardingId, Step};
use shared::telemetry::{Metric, count, embedded_metric, invocation_span, record_onboarding, step, subscriber};
use shared::vault::{SecretsManagerVault, Vault};
use time::macros::datetime;
use tracing::subscriber::set_default;

use crate::aws::Aws;
use crate::vault::key;

/// Keeps what is logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Logs everything of this thread from this level up, until the guard is dropped.
    pub(crate) fn start(level: &str) -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        (log, set_default(subscriber(level, move || writer.clone())))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_step_is_one_line_with_the_ids_of_its_invocation() {
    let (log, _guard) = Log::start("info");
    let id = OnboardingId::generate();
    invocation_span("request-1").in_scope(|| {
        record_onboarding(&id);
        step(Step::KeyCreation, "retry", Instant::now(), Some("the Hub is busy"));
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
fn warnings_keep_the_ids_when_only_warnings_are_logged() {
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
fn a_level_that_is_none_does_not_silence_the_log() {
    for level in ["loud", "a=b=c", "some_library=debug"] {
        let (log, _guard) = Log::start(level);
        tracing::info!("seen");
        tracing::debug!("not seen");
        assert_eq!(log.lines().len(), 1, "{level}");
    }
}

#[tokio::test]
async fn not_even_the_finest_level_logs_a_key() {
    let (log, _guard) = Log::start("TRACE");
    let aws = Aws::start(|_, _| Err("ResourceExistsException: there is one")).await;
    let config = VaultConfig { prefix: "stack".to_owned() };
    let vault = SecretsManagerVault::new(shared::aws::secrets_manager(&aws.config), config);
    assert!(vault.store(&"Rb82LdCH".parse().unwrap(), &key("canary")).await.is_err());
    tracing::trace!(target: "lambda_runtime::layers", body = "canary", "raw event");
    let text = log.text();
    assert!(text.contains("PutSecretValue"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_count_is_a_metric_to_cloudwatch() {
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
