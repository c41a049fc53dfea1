//! Runs what a message permits, and records what came of it.

use std::time::Instant;

use onboarding::{Event, FailureCode, OnboardingId, Problem, Step, backoff};
use store::{Applied, StoreError, Stored};
use telemetry::Metric;
use time::Duration;

use super::{FailedStep, HubContext, PermittedWork, StepError};

/// How long to wait when the Hub refuses our credentials: until an operator has seen to it, nothing else helps.
const UNAUTHORIZED: Duration = Duration::minutes(5);

/// How long after a refusal the same is asked once more: only a refusal that comes again is final.
const REFUSED: Duration = Duration::minutes(3);

/// Runs one step.
pub(crate) struct StepRunner<'a> {
    /// What the step is given.
    pub(crate) context: &'a HubContext,
    /// From whose queue the message came.
    pub(crate) step: Step,
}

impl StepRunner<'_> {
    /// Runs a step for an onboarding and records what came of it. Whatever is left to do is due then, and the dispatcher
    /// sends for it.
    pub(crate) async fn run<F, Fut>(&self, id: &OnboardingId, permitted: &PermittedWork, work: F) -> Result<(), String>
    where
        F: FnOnce(Stored) -> Fut,
        Fut: Future<Output = Result<Stored, FailedStep>>,
    {
        let started = Instant::now();
        let stored = match self.context.store.get(id).await {
            Ok(stored) => stored,
            Err(StoreError::NotFound) => {
                tracing::error!(step = self.step.as_str(), "message for an onboarding that does not exist");
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        match work(stored).await {
            Ok(_) => {
                telemetry::step(self.step.as_str(), "done", started, None);
                Ok(())
            }
            Err(failed) => {
                telemetry::step(failed.step.as_str(), failed.error.outcome(), started, failed.error.reason());
                self.after(id, permitted, failed).await.map_err(|error| match error {
                    StepError::Unavailable(reason) => reason,
                    other => other.outcome().to_owned(),
                })
            }
        }
    }

    /// Records why a step ended early.
    async fn after(&self, id: &OnboardingId, permitted: &PermittedWork, failed: FailedStep) -> Result<(), StepError> {
        let FailedStep { step, error } = failed;
        match error {
            StepError::Void => Ok(()),
            StepError::Unavailable(_) => Err(error),
            StepError::NothingToDo => {
                permitted.give_back(&self.context.store).await?;
                let stored = self.context.store.get(id).await?;
                Ok(self.context.store.work_done(&stored.onboarding, &permitted.permit).await?)
            }
            StepError::Permission { next_at } => {
                let error = "the client has not granted API-key permission".to_owned();
                let before = self.context.store.get(id).await?;
                self.context
                    .record(permitted, before, &Event::StepDelayed { step, error, next_at, refused: None })
                    .await
                    .map(drop)
            }
            StepError::Unauthorized => {
                tracing::error!(
                    "the Hub refuses our credentials; onboardings wait until the workers' secret is corrected"
                );
                telemetry::count(Metric::HubUnauthorized, 1);
                let _ = self.context.secret.refresh().await;
                let error = "the Hub refuses our credentials".to_owned();
                self.delay(id, permitted, step, (error, None), Some(UNAUTHORIZED)).await
            }
            StepError::Retry { reason, after } => self.delay(id, permitted, step, (reason, None), after).await,
            StepError::Fail { code, detail, .. } if code.is_answer() && !self.was_refused(id, step, code).await? => {
                self.delay(id, permitted, step, (detail, Some(code)), Some(REFUSED)).await
            }
            StepError::Fail { code, detail, retryable } => {
                let problem = Problem { step, code: code.as_str().to_owned(), detail, retryable };
                let before = self.context.store.get(id).await?;
                let failed =
                    self.context.store.record(before, &permitted.permit, &Event::StepFailed { problem }).await?;
                if let Applied::Changed(_) = failed {
                    telemetry::count(Metric::OnboardingFailed, 1);
                }
                Ok(())
            }
        }
    }

    /// Whether the same was answered minutes ago.
    async fn was_refused(&self, id: &OnboardingId, step: Step, code: FailureCode) -> Result<bool, StoreError> {
        let onboarding = self.context.store.get(id).await?.onboarding;
        let retry = onboarding.retry.filter(|retry| retry.step == step);
        Ok(retry.is_some_and(|retry| retry.was_refused(code.as_str(), self.context.clock.now())))
    }

    async fn delay(
        &self,
        id: &OnboardingId,
        permitted: &PermittedWork,
        step: Step,
        (error, refused): (String, Option<FailureCode>),
        at_least: Option<Duration>,
    ) -> Result<(), StepError> {
        let before = self.context.store.get(id).await?;
        let tries = before.onboarding.retry.as_ref().filter(|retry| retry.step == step).map_or(0, |retry| retry.tries);
        let wait = backoff(tries, fastrand::f64()).max(at_least.unwrap_or(Duration::ZERO));
        let refused = refused.map(|code| code.as_str().to_owned());
        let event = Event::StepDelayed { step, error, next_at: self.context.clock.now() + wait, refused };
        self.context.record(permitted, before, &event).await.map(drop)
    }
}
