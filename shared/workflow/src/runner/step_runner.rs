//! Runs a step under its onboarding's lease, and does what follows from its end.

use std::time::Instant;

use onboarding::call_limit::Slot;
use onboarding::{Event, LEASE, LONGEST_QUEUE_DELAY, OnboardingId, Problem, QUEUE_GRACE, Step, backoff};
use queue::{QueueError, Task};
use store::{Applied, Awaited, Lease, LeaseOutcome, StoreError, Stored};
use telemetry::Metric;
use time::{Duration, OffsetDateTime};

use super::admission::{Admission, admission};
use super::{FailedStep, HubContext, StepError};

/// How soon to look again when another worker has just taken the lease. It is mostly done long before its lease ends.
const LEASE_HELD: Duration = Duration::seconds(2);
/// How long to wait when the Hub refuses our credentials: until an operator has seen to it, nothing else helps.
const UNAUTHORIZED: Duration = Duration::minutes(5);

/// Runs one step.
pub(crate) struct StepRunner<'a> {
    /// What the step is given.
    pub(crate) context: &'a HubContext,
    /// From whose queue the message came.
    pub(crate) step: Step,
}

impl StepRunner<'_> {
    /// Runs a step under the onboarding's lease and does what follows from its end.
    pub(crate) async fn run<F, Fut>(&self, id: &OnboardingId, slot: Option<Slot>, work: F) -> Result<(), String>
    where
        F: FnOnce(Stored, Option<Slot>) -> Fut,
        Fut: Future<Output = Result<Stored, FailedStep>>,
    {
        let (step, started) = (self.step, Instant::now());
        let (lease, stored) = match self.context.store.lease(id, LEASE).await {
            Ok(LeaseOutcome::Taken(lease, stored)) => (lease, stored),
            Ok(LeaseOutcome::Held { until }) => {
                let left = until - self.context.clock.now();
                // Exponential: wait as long as the lease has been held. A live worker finishes soon; a dead one holds
                // the lease until it expires. Each look costs a message, which SQS may deliver twice.
                let delay = (LEASE - left).max(LEASE_HELD).min(left).max(Duration::SECOND);
                telemetry::step(step.as_str(), "lease_held", started, None);
                return self.send(id, None, delay).await.map_err(|error| error.to_string());
            }
            Err(StoreError::NotFound) => {
                tracing::error!(step = step.as_str(), "message for an onboarding that does not exist");
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        match admission(step, &lease, &stored.onboarding, self.context.clock.now()) {
            Admission::Run => {}
            Admission::Duplicate => {
                telemetry::step(step.as_str(), "duplicate", started, None);
                self.release(&lease, None).await;
                return Ok(());
            }
            Admission::TooEarly { until } => {
                telemetry::step(step.as_str(), "too_early", started, None);
                let sent = self.come_back(&lease, None, until).await;
                self.release(&lease, sent.as_ref().ok()).await;
                return sent.map(drop).map_err(|error| error.to_string());
            }
        }
        // A more urgent step that takes over gives up the slot that was reserved for the less urgent one.
        let slot = slot.or(lease.awaited().and_then(|awaited| awaited.slot));
        match work(stored, slot).await {
            Ok(_) => {
                telemetry::step(step.as_str(), "done", started, None);
                self.release(&lease, None).await;
                Ok(())
            }
            Err(failed) => {
                telemetry::step(failed.step.as_str(), failed.error.outcome(), started, failed.error.reason());
                self.after(&lease, failed).await
            }
        }
    }

    /// Records why a step ended early, arranges for the next try, and gives the lease back.
    async fn after(&self, lease: &Lease, failed: FailedStep) -> Result<(), String> {
        let FailedStep { step, error } = failed;
        let result = match error {
            StepError::Wait { until, slot } => {
                self.come_back(lease, slot, until).await.map(Some).map_err(StepError::from)
            }
            StepError::Unavailable(reason) => Err(StepError::Unavailable(reason)),
            StepError::Permission { next_at } => {
                let reason = "the client has not granted API-key permission".to_owned();
                self.delay(lease, step, reason, next_at).await.map(|()| None)
            }
            StepError::Unauthorized => {
                tracing::error!(
                    "the Hub refuses our credentials; onboardings wait until the bundle's secret is corrected"
                );
                telemetry::count(Metric::HubUnauthorized, 1);
                let _ = self.context.secrets.refresh().await;
                let reason = "the Hub refuses our credentials".to_owned();
                self.delay_and_come_back(lease, step, reason, Some(UNAUTHORIZED)).await
            }
            StepError::Retry { reason, after } => self.delay_and_come_back(lease, step, reason, after).await,
            StepError::Fail { code, detail, retryable } => {
                let problem = Problem { step, code: code.as_str().to_owned(), detail, retryable };
                self.fail(lease, problem).await.map(|()| None)
            }
        };
        self.release(lease, result.as_ref().ok().and_then(Option::as_ref)).await;
        result.map(drop).map_err(|stop| match stop {
            StepError::Unavailable(reason) => reason,
            other => other.outcome().to_owned(),
        })
    }

    /// Returns the message that will come back.
    async fn delay_and_come_back(
        &self,
        lease: &Lease,
        step: Step,
        reason: String,
        at_least: Option<Duration>,
    ) -> Result<Option<Awaited>, StepError> {
        let onboarding = self.context.store.get(lease.onboarding_id()).await?.onboarding;
        let retry = onboarding.retry.as_ref().filter(|retry| retry.step == step);
        let wait =
            backoff(retry.map_or(0, |retry| retry.tries), fastrand::f64()).max(at_least.unwrap_or(Duration::ZERO));
        let next_at = self.context.clock.now() + wait.min(LONGEST_QUEUE_DELAY);
        self.delay(lease, step, reason, next_at).await?;
        Ok(Some(self.come_back(lease, None, next_at).await?))
    }

    async fn delay(&self, lease: &Lease, step: Step, error: String, next_at: OffsetDateTime) -> Result<(), StepError> {
        self.context.store.apply(lease.onboarding_id(), &Event::StepDelayed { step, error, next_at }).await?;
        Ok(())
    }

    async fn fail(&self, lease: &Lease, problem: Problem) -> Result<(), StepError> {
        let applied = self.context.store.apply(lease.onboarding_id(), &Event::StepFailed { problem }).await?;
        if matches!(applied, Applied::Changed(_)) {
            telemetry::count(Metric::OnboardingFailed, 1);
        }
        Ok(())
    }

    /// Sends a message that comes back at a time. The queue can delay it by [`LONGEST_QUEUE_DELAY`] at most.
    async fn come_back(&self, lease: &Lease, slot: Option<Slot>, at: OffsetDateTime) -> Result<Awaited, QueueError> {
        self.send(lease.onboarding_id(), slot, at - self.context.clock.now()).await?;
        Ok(Awaited { priority: self.step.priority(), at, slot })
    }

    async fn send(&self, id: &OnboardingId, slot: Option<Slot>, delay: Duration) -> Result<(), QueueError> {
        self.context.queue.send(self.step, &Task::Onboarding { onboarding_id: id.clone(), slot }, delay).await
    }

    /// A lease that cannot be given back runs out by itself.
    async fn release(&self, lease: &Lease, awaited: Option<&Awaited>) {
        let released = match awaited {
            Some(awaited) => self.context.store.release_awaiting(lease, Some(awaited.at + QUEUE_GRACE), awaited).await,
            None => self.context.store.release(lease, None).await,
        };
        if let Err(error) = released {
            tracing::warn!(%error, "lease not released; it runs out by itself");
        }
    }
}
