//! What the workers of the Hub queues have in common: lease, turn at the Hub, and what follows from a step's end.

use std::sync::Arc;
use std::time::Instant;

use time::{Duration, OffsetDateTime};

use super::arrival::{Arrival, arrival, priority_of};
use super::stop::{Halt, Stop};
use super::{client_account, number_submission};
use crate::clock::Clock;
use crate::hub::limit::{CallLimit, Priority, Slot, Turn};
use crate::hub::{Hub, HubCredentials};
use crate::onboarding::{Event, Onboarding, OnboardingId, Problem, Step, backoff, exhausted};
use crate::queue::{Queue, QueueError, Task, Worker};
use crate::secrets::Secrets;
use crate::store::{Awaited, Lease, LeaseOutcome, Store, StoreError, Stored};
use crate::telemetry::{self, Metric};

/// Longer than the timeout of every function that takes one (60 s in the template).
const LEASE: Duration = Duration::seconds(90);
/// How soon to look again when another worker has just taken the lease. It is mostly done long before its lease ends.
const LEASE_HELD: Duration = Duration::seconds(2);
/// How long to wait when the Hub refuses our credentials: until an operator has seen to it, nothing else helps.
const UNAUTHORIZED: Duration = Duration::minutes(5);
/// How long the queue may be late before reconciliation takes it for lost.
pub(super) const QUEUE_GRACE: Duration = Duration::minutes(10);

/// What a worker of the Hub queues needs.
#[derive(Clone)]
pub struct HubWork {
    /// The Partner Hub.
    pub hub: Hub,
    /// Its call limit.
    pub limit: CallLimit,
    /// The partner's solution with 360dialog.
    pub solution_id: String,
    /// The table.
    pub store: Store,
    /// The queues.
    pub queue: Arc<dyn Queue>,
    /// The bundle's secret.
    pub secrets: Arc<dyn Secrets>,
    /// The time.
    pub clock: Clock,
}

/// The step that a worker is there for.
pub(super) const fn step_of(worker: Worker) -> Step {
    match worker {
        Worker::ClientAccount => Step::ClientAccount,
        Worker::NumberSubmission => Step::NumberSubmission,
        Worker::KeyCreation => Step::KeyCreation,
    }
}

impl HubWork {
    /// Runs the client-account worker for one message.
    ///
    /// # Errors
    /// A sentence, if the message must be delivered again.
    pub async fn client_account(&self, task: Task) -> Result<(), String> {
        let Task::Onboarding { onboarding_id, slot } = task else {
            return Err("not a task for this worker".to_owned());
        };
        self.run(Worker::ClientAccount, &onboarding_id, slot, |stored, mut slot| async move {
            client_account::run(self, stored, Priority::ClientAccount, &mut slot).await
        })
        .await
    }

    /// Runs the number-submission worker for one message.
    ///
    /// # Errors
    /// A sentence, if the message must be delivered again.
    pub async fn number_submission(&self, task: Task) -> Result<(), String> {
        let Task::Onboarding { onboarding_id, slot } = task else {
            return Err("not a task for this worker".to_owned());
        };
        self.run(Worker::NumberSubmission, &onboarding_id, slot, |stored, slot| {
            number_submission::run(self, stored, slot)
        })
        .await
    }

    /// Runs a step under the onboarding's lease and does what follows from its end.
    pub(super) async fn run<F, Fut>(
        &self,
        worker: Worker,
        id: &OnboardingId,
        slot: Option<Slot>,
        step: F,
    ) -> Result<(), String>
    where
        F: FnOnce(Stored, Option<Slot>) -> Fut,
        Fut: Future<Output = Result<Stored, Halt>>,
    {
        let started = Instant::now();
        let (lease, stored) = match self.store.lease(id, LEASE).await {
            Ok(LeaseOutcome::Taken(lease, stored)) => (lease, stored),
            Ok(LeaseOutcome::Held { until }) => {
                let left = until - self.clock.now();
                // As long again as the lease is old. Who works is soon done and who died keeps it to the end, and each look
                // costs a message, which SQS may deliver twice.
                let delay = (LEASE - left).max(LEASE_HELD).min(left).max(Duration::SECOND);
                telemetry::step(step_of(worker), "lease_held", started, None);
                return self.send(worker, id, None, delay).await.map_err(|error| error.to_string());
            }
            Err(StoreError::NotFound) => {
                tracing::error!(worker = worker.as_str(), "message for an onboarding that does not exist");
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        match arrival(worker, &lease, &stored.onboarding, self.clock.now()) {
            Arrival::Timely => {}
            Arrival::Surplus => {
                telemetry::step(step_of(worker), "surplus", started, None);
                self.release(&lease, None).await;
                return Ok(());
            }
            Arrival::Early { until } => {
                telemetry::step(step_of(worker), "early", started, None);
                let sent = self.come_back(worker, &lease, None, until).await;
                self.release(&lease, sent.as_ref().ok()).await;
                return sent.map(drop).map_err(|error| error.to_string());
            }
        }
        // Who takes over from less urgent work gives its place in the line up.
        let slot = slot.or(lease.awaited().and_then(|awaited| awaited.slot));
        match step(stored, slot).await {
            Ok(_) => {
                telemetry::step(step_of(worker), "done", started, None);
                self.release(&lease, None).await;
                Ok(())
            }
            Err(halt) => {
                telemetry::step(halt.step, halt.stop.outcome(), started, halt.stop.reason());
                self.after(worker, &lease, halt).await
            }
        }
    }

    /// Records why a step ended early, arranges for the next try, and gives the lease back.
    async fn after(&self, worker: Worker, lease: &Lease, halt: Halt) -> Result<(), String> {
        let Halt { step, stop } = halt;
        let result = match stop {
            Stop::Wait { until, slot } => {
                self.come_back(worker, lease, slot, until).await.map(Some).map_err(Stop::from)
            }
            Stop::Unavailable(reason) => Err(Stop::Unavailable(reason)),
            Stop::Permission { next_at } => {
                let reason = "the client has not granted API-key permission".to_owned();
                self.delay(lease, step, reason, next_at, true).await.map(|()| None)
            }
            Stop::Unauthorized => {
                tracing::error!(
                    "the Hub refuses our credentials; onboardings wait until the bundle's secret is mended"
                );
                telemetry::count(Metric::HubUnauthorized, 1);
                let _ = self.secrets.refresh().await;
                let reason = "the Hub refuses our credentials".to_owned();
                self.delay_and_come_back(worker, lease, step, reason, Some(UNAUTHORIZED), true).await
            }
            Stop::Retry { reason, after } => self.delay_and_come_back(worker, lease, step, reason, after, false).await,
            Stop::Fail { code, detail, retryable } => {
                let problem = Problem { step, code: code.to_owned(), detail, retryable };
                self.fail(lease, problem).await.map(|()| None)
            }
        };
        self.release(lease, result.as_ref().ok().and_then(Option::as_ref)).await;
        result.map(drop).map_err(|stop| match stop {
            Stop::Unavailable(reason) => reason,
            other => other.outcome().to_owned(),
        })
    }

    /// Returns the message that will come back, unless it was the last try.
    async fn delay_and_come_back(
        &self,
        worker: Worker,
        lease: &Lease,
        step: Step,
        reason: String,
        at_least: Option<Duration>,
        waits_for_person: bool,
    ) -> Result<Option<Awaited>, Stop> {
        let now = self.clock.now();
        let onboarding = self.store.get(lease.onboarding_id()).await?.onboarding;
        let retry = onboarding.retry.as_ref().filter(|retry| retry.step == step);
        if !waits_for_person && retry.and_then(|retry| retry.since).is_some_and(|since| exhausted(since, now)) {
            let detail = format!("Given up after 72 hours of tries. Last: {reason}");
            let problem = Problem { step, code: "gave_up".to_owned(), detail, retryable: true };
            return self.fail(lease, problem).await.map(|()| None);
        }
        let wait = backoff(retry.map_or(0, |retry| retry.tries), jitter()).max(at_least.unwrap_or(Duration::ZERO));
        let next_at = now + wait.min(Duration::minutes(15));
        self.delay(lease, step, reason, next_at, waits_for_person).await?;
        Ok(Some(self.come_back(worker, lease, None, next_at).await?))
    }

    async fn delay(
        &self,
        lease: &Lease,
        step: Step,
        error: String,
        next_at: OffsetDateTime,
        waits_for_person: bool,
    ) -> Result<(), Stop> {
        self.store.apply(lease.onboarding_id(), &Event::StepDelayed { step, error, next_at, waits_for_person }).await?;
        Ok(())
    }

    async fn fail(&self, lease: &Lease, problem: Problem) -> Result<(), Stop> {
        self.store.apply(lease.onboarding_id(), &Event::StepFailed { problem }).await?;
        Ok(())
    }

    /// Sends a message that comes back at a time. The queue can delay it by a quarter of an hour at most.
    async fn come_back(
        &self,
        worker: Worker,
        lease: &Lease,
        slot: Option<Slot>,
        at: OffsetDateTime,
    ) -> Result<Awaited, QueueError> {
        self.send(worker, lease.onboarding_id(), slot, at - self.clock.now()).await?;
        Ok(Awaited { priority: priority_of(worker), at, slot })
    }

    async fn send(
        &self,
        worker: Worker,
        id: &OnboardingId,
        slot: Option<Slot>,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.queue.send(worker, &Task::Onboarding { onboarding_id: id.clone(), slot }, delay).await
    }

    /// A lease that cannot be given back runs out by itself.
    async fn release(&self, lease: &Lease, awaited: Option<&Awaited>) {
        let released = match awaited {
            Some(awaited) => self.store.release_awaiting(lease, Some(awaited.at + QUEUE_GRACE), awaited).await,
            None => self.store.release(lease, None).await,
        };
        if let Err(error) = released {
            tracing::warn!(%error, "lease not released; it runs out by itself");
        }
    }

    /// The Hub credentials as they stand now.
    pub(super) async fn credentials(&self) -> Result<HubCredentials, Stop> {
        Ok(self.secrets.bundle().await?.hub.clone())
    }

    /// Takes a token for one Hub call. The slot of an earlier answer is used up.
    pub(super) async fn turn(&self, priority: Priority, slot: &mut Option<Slot>) -> Result<(), Stop> {
        match self.store.take_call(self.limit, priority, slot.take()).await? {
            Turn::Go => Ok(()),
            Turn::Wait { until, slot } => Err(Stop::Wait { until, slot }),
        }
    }

    pub(super) async fn apply(&self, onboarding: &Onboarding, event: &Event) -> Result<Stored, Stop> {
        Ok(self.store.apply(&onboarding.id, event).await?.into_stored())
    }
}

/// A number in `0.0..1.0` that spreads retries.
pub(super) fn jitter() -> f64 {
    let mut byte = [0u8; 1];
    // Without entropy every caller waits the shortest time, which is still a back-off.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 256.0
}
