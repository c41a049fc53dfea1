//! Works off the queue of deliveries: each message is one event, or the next page of a replay.
//!
//! The event bus comes first, and the partner's webhook after it. Neither waits for the other: what fails at one of them is tried
//! again at its own time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_bus::{BusEvent, EventBus};
use exchange::Clock;
use onboarding::{Class, Delivery, Endpoint, EventId, EventType, Try, WebhookDelivery, WebhookState};
use partner_webhook::{Endpoint as PartnerWebhook, SigningSecret, TryFailed};
use queue::{About, Task};
use secrets::{Secret, WorkerSecret};
use store::{EventKey, Store, StoreError, StoredEvent, WorkKey};
use telemetry::Metric;

/// No event is taken up that could last longer than what is left of the invocation: a call to the bus takes up to 8 seconds,
/// and the webhook has 15 to answer.
const LONGEST: Duration = Duration::from_secs(30);

/// How long one message works at a replay.
const LONGEST_REPLAY: Duration = Duration::from_secs(15);
/// A person is told each time that the bus has refused an event so often: the first time after a quarter of an hour.
const REFUSALS_TOLD: u32 = 8;

/// Tells the partner of events.
#[derive(Clone)]
pub struct EventPublisher {
    /// The table, with the events and how their telling goes.
    pub store: Store,
    /// The event bus.
    pub bus: Arc<dyn EventBus>,
    /// The partner's webhook, if there is one.
    pub webhook: Option<PartnerWebhook>,
    /// For what the webhook is signed with.
    pub secret: Arc<dyn Secret<WorkerSecret>>,
    /// The time.
    pub clock: Clock,
}

impl EventPublisher {
    /// Handles one message. No call is begun that could outlast `deadline`.
    ///
    /// # Errors
    /// A sentence, if nothing could be recorded. The event stays due.
    pub async fn handle(&self, task: Task, deadline: Option<Instant>) -> Result<(), String> {
        if deadline.is_some_and(|deadline| Instant::now() + LONGEST > deadline) {
            tracing::warn!("the deadline is near; the event is left for later");
            return Ok(());
        }
        match &task.about {
            About::Event { onboarding_id, event_id } => {
                let key = EventKey { onboarding: onboarding_id.clone(), id: event_id.clone() };
                if let Some(id) = onboarding_id {
                    telemetry::set_onboarding(id.as_str());
                }
                self.event(key, &task).await
            }
            About::Replay => self.replay(&task.permit).await.map_err(text),
            _ => Err("not a task for this queue".to_owned()),
        }
    }

    async fn replay(&self, permit: &str) -> Result<(), StoreError> {
        if self.store.redeem(&WorkKey::Replay, permit, Class::Delivery).await? {
            self.store.replay_until(permit, Instant::now() + LONGEST_REPLAY).await?;
        }
        Ok(())
    }

    async fn event(&self, key: EventKey, task: &Task) -> Result<(), String> {
        if !self.store.redeem(&WorkKey::Event(key.clone()), &task.permit, task.class).await.map_err(text)? {
            return Ok(());
        }
        let Some((event, mut delivery)) = self.store.event(&key).await.map_err(text)? else {
            // Its entry is no longer kept.
            self.store.record_delivery(&key, &task.permit, &Delivery::default(), None).await.map_err(text)?;
            return Ok(());
        };
        let envelope = event.envelope().map_err(text)?;
        if delivery.event_bus.is_due(self.clock.now()) {
            self.put_on_bus(&event, &envelope, &mut delivery).await;
        }
        let endpoint = if let Some(webhook) = &self.webhook {
            self.tell_webhook(webhook, &event, envelope, &mut delivery, task.class).await.map_err(text)?
        } else {
            delivery.webhook = None;
            Endpoint::default()
        };
        let line = delivery.line(&endpoint, event.at);
        self.store.record_delivery(&key, &task.permit, &delivery, line).await.map_err(text)?;
        Ok(())
    }

    async fn put_on_bus(&self, event: &StoredEvent, envelope: &str, delivery: &mut Delivery) {
        let put = BusEvent { detail_type: event.kind.clone(), detail: envelope.to_owned(), at: event.at };
        match self.bus.put(&put).await {
            Ok(()) => delivery.event_bus.delivered(self.clock.now()),
            Err(error) => {
                tracing::warn!(event_id = %event.key.id, %error, "event not told");
                delivery.event_bus.failed(error.0, self.clock.now(), fastrand::f64());
                if delivery.event_bus.tries.is_multiple_of(REFUSALS_TOLD) {
                    tracing::error!(event_id = %event.key.id, "the event bus does not take an event");
                    telemetry::count(Metric::EventUndelivered, 1);
                }
            }
        }
    }

    /// Tells the webhook, if it is this event's time. Returns what is known of the endpoint then.
    async fn tell_webhook(
        &self,
        webhook: &PartnerWebhook,
        event: &StoredEvent,
        envelope: String,
        delivery: &mut Delivery,
        class: Class,
    ) -> Result<Endpoint, StoreError> {
        let told = delivery.webhook.get_or_insert_default();
        let endpoint = self.store.endpoint().await?;
        let is_test = event.kind == EventType::Test.as_str();
        let is_time = told.next_try_at.is_none_or(|at| at <= self.clock.now());
        let is_tried = match class {
            // The one that is tried while the endpoint backs off, or one of those that waited for its end.
            Class::Held => endpoint.admits_held(&event.key.id),
            _ => is_time && endpoint.is_well(),
        };
        if !told.is_open() || !(is_test || is_tried) {
            return Ok(endpoint);
        }
        let taken = self.post(webhook, event, envelope, told).await;
        if is_test && taken.is_none() {
            // It is not tried again: its partner is looking.
            (told.state, told.next_try_at) = (WebhookState::GivenUp, None);
            return Ok(endpoint);
        }
        let endpoint = match self.note(&event.key.id, told, taken).await {
            Ok(endpoint) => endpoint,
            // What was told is recorded all the same.
            Err(error) => {
                tracing::warn!(%error, "how the webhook answered is not noted");
                endpoint
            }
        };
        if told.state == WebhookState::GivenUp && !endpoint.is_well() {
            // Not the event is at fault: it goes out when the endpoint is on again.
            told.state = WebhookState::Waiting;
        }
        Ok(endpoint)
    }

    /// What the webhook is signed with; or why there is nothing.
    async fn signing_secrets(&self) -> Result<Vec<SigningSecret>, String> {
        let mut secret = self.secret.value().await.map_err(text)?;
        if secret.partner_webhook.as_ref().map_or(true, Vec::is_empty) {
            // It may have been filled in since.
            secret = self.secret.refresh().await.map_err(text)?;
        }
        let secrets = secret.partner_webhook.clone()?;
        if secrets.is_empty() {
            return Err("partner_webhook_secret is missing in the workers' secret".to_owned());
        }
        Ok(secrets)
    }

    /// Makes one try. How long the endpoint took, if it took the event.
    async fn post(
        &self,
        webhook: &PartnerWebhook,
        event: &StoredEvent,
        envelope: String,
        told: &mut WebhookDelivery,
    ) -> Option<time::Duration> {
        let (began, since) = (self.clock.now(), Instant::now());
        let (status, error) = match self.signing_secrets().await {
            Ok(secrets) => {
                let secrets: Vec<&SigningSecret> = secrets.iter().collect();
                match webhook.post(event.key.id.as_str(), envelope, &secrets, began).await {
                    Ok(status) => (Some(status), None),
                    Err(TryFailed::Refused(status)) => (Some(status), Some(None)),
                    Err(unanswered) => (None, Some(Some(unanswered.to_string()))),
                }
            }
            Err(problem) => {
                tracing::error!(problem, "the partner's webhook cannot be told");
                telemetry::count(Metric::EventUndelivered, 1);
                (None, Some(Some(problem)))
            }
        };
        let is_taken = error.is_none();
        told.tried(Try { at: began, status, error: error.flatten() }, is_taken, self.clock.now());
        is_taken.then(|| since.elapsed().try_into().unwrap_or(time::Duration::MAX))
    }

    /// Notes how a try went for the endpoint as a whole.
    async fn note(
        &self,
        id: &EventId,
        told: &WebhookDelivery,
        taken: Option<time::Duration>,
    ) -> Result<Endpoint, StoreError> {
        let (began, failures, now) = (told.tries.last().map(|last| last.at), told.failures, self.clock.now());
        let (endpoint, off) = self
            .store
            .change_endpoint(|endpoint| {
                if let Some(took) = taken {
                    endpoint.succeeded(took, now);
                    return false;
                }
                endpoint.failed(id, failures, began.unwrap_or(now), now)
            })
            .await?;
        let is_given_up = told.state == WebhookState::GivenUp && endpoint.is_well();
        if off {
            tracing::error!("the partner's webhook has not taken an event for five days and is switched off");
        } else if is_given_up {
            tracing::error!("an event is given up: the partner's webhook has not taken it for five days");
        }
        if off || is_given_up {
            telemetry::count(Metric::EventUndelivered, 1);
        }
        Ok(endpoint)
    }
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
