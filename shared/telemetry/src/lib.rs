#![doc = include_str!("../README.md")]

#[cfg(feature = "aws")]
mod aws;

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Instant;

use serde_json::json;
use strum::{IntoStaticStr, VariantArray};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::{Span, Subscriber, field};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

#[cfg(feature = "aws")]
pub use aws::reason;

/// The namespace of the metrics.
const NAMESPACE: &str = "WhatsAppOnboarding";

/// The stack whose metrics this function writes, once [`init`] has run.
static STACK: OnceLock<String> = OnceLock::new();

/// Starts logging. The level is `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG` (which may name modules), else `info`. Metrics
/// carry the dimension `stack`: `STACK_NAME`, else the function's name. Call once; further calls do nothing.
pub fn init() {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let level = variable("AWS_LAMBDA_LOG_LEVEL").or_else(|| variable("RUST_LOG"));
    if subscriber(level.as_deref().unwrap_or("info"), std::io::stdout).try_init().is_ok() {
        let stack = variable("STACK_NAME").or_else(|| variable("AWS_LAMBDA_FUNCTION_NAME"));
        STACK.get_or_init(|| stack.unwrap_or_else(|| "local".to_owned()));
    }
}

/// Writes events of this level (one of Lambda's words, or `RUST_LOG`'s syntax) as JSON lines: the event's own fields, and
/// under `span` those of its invocation.
pub fn subscriber<W>(level: &str, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(writer)
        .with_filter(filter(level));
    tracing_subscriber::registry().with(lines)
}

fn filter(level: &str) -> Targets {
    // Lambda's word, which `tracing` does not know.
    let level = if level == "FATAL" { "ERROR" } else { level };
    let targets: Targets = level.parse().unwrap_or_default();
    // A misspelt level, or one for a single module, must not silence the rest.
    let default = targets.default_level().unwrap_or(LevelFilter::INFO);
    // Below warnings these libraries log whole requests and events, tokens and codes included.
    ["aws_", "hyper", "lambda_", "h2", "reqwest", "rustls"]
        .into_iter()
        .fold(targets.with_default(default), |targets, library| {
            targets.with_target(library, default.min(LevelFilter::WARN))
        })
}

/// The span of one invocation, or of one message of a batch. Everything logged inside carries its fields; there is no
/// other span in it.
pub fn invocation_span(request_id: &str) -> Span {
    // At the highest level, so that warnings keep its fields when only warnings are logged.
    tracing::error_span!("invocation", request_id, onboarding_id = field::Empty)
}

/// Adds the onboarding to the lines that follow in the current span.
pub fn set_onboarding(id: &str) {
    Span::current().record("onboarding_id", id);
}

/// Logs how a step ended: one line per step. `outcome` is a stable word such as `done` or `delayed`; `detail` is a sentence
/// for the operator.
pub fn step(step: &str, outcome: &str, started: Instant, detail: Option<&str>) {
    tracing::info!(step, outcome, milliseconds = milliseconds(started), detail, "step");
}

/// Milliseconds since `started`, as they are logged.
pub fn milliseconds(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Something that is counted for the operator's alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Metric {
    /// A webhook that is not authentic was turned away. Anybody can send one.
    WebhookRejected,
    /// A channel was found live at the Hub, and no authentic webhook had come since its number was submitted.
    WebhookMissed,
    /// A webhook came again under the same id with another body.
    WebhookConflicting,
    /// A webhook of a kind that we do not know came.
    WebhookUnknownEvent,
    /// A webhook that is authentic cannot be read.
    WebhookUnreadable,
    /// The Hub refused our credentials.
    HubUnauthorized,
    /// The daily sweep found a second client account with the e-mail address of one of ours.
    ClientDuplicate,
    /// A live channel that no onboarding knows: the daily sweep finds it, or its webhook has waited for days.
    ChannelUnknown,
    /// The vault no longer holds the key of an onboarding that is ready.
    KeyMissing,
    /// Meta reports a signup that no onboarding has: its customer has to come again, or the partner says whose it is.
    SignupUnclaimed,
    /// The partner's webhook has not taken an event for five days: the event is given up, or the webhook is switched off. Or
    /// there is no secret to sign it with.
    EventUndelivered,
    /// A probe of the Hub failed: the breaker opened, or stays open.
    HubUnavailable,
    /// Work was sent out several times and stayed without a result.
    Stuck,
    /// How much work waits for the dispatcher, at each run of reconciliation.
    LineLength,
    /// For how long the dispatcher has left waiting work alone while the Hub is well, in seconds.
    LineOldestSeconds,
    /// An onboarding has been in one status for longer than it should. It goes on waiting.
    OnboardingOverdue,
    /// A step of an onboarding failed for good.
    OnboardingFailed,
}

impl Metric {
    /// Every metric.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The metric's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Counts. On Lambda this is a line in the embedded metric format, which `CloudWatch` turns into a metric; elsewhere it is
/// logged.
pub fn count(metric: Metric, count: u64) {
    let Some(stack) = STACK.get() else {
        return tracing::info!(metric = metric.as_str(), count, "metric");
    };
    let mut line = embedded_metric(metric, count, stack, OffsetDateTime::now_utc());
    line.push('\n');
    // A closed standard output is no reason to fail a request.
    _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// One line of the [embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
pub fn embedded_metric(metric: Metric, count: u64, stack: &str, at: OffsetDateTime) -> String {
    let name = metric.as_str();
    // Without level and time, Lambda takes the line for one of level INFO and drops it where only warnings are logged.
    json!({
        "level": "ERROR",
        "timestamp": at.format(&Rfc3339).unwrap_or_default(),
        "_aws": {
            "Timestamp": at.unix_timestamp() * 1000,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["stack"]],
                "Metrics": [{ "Name": name, "Unit": "Count" }],
            }],
        },
        "stack": stack,
        name: count,
    })
    .to_string()
}
