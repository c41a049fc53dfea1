//! Tells the partner of events, from its queue: on the event bus, and at the partner's webhook.

use std::time::Instant;

use queue::Task;
use runtime::settings::EventConfig;
use runtime::worker::WorkerError;
use runtime::{Dependencies, StartError};

/// Tells the partner of events.
#[derive(Clone)]
pub struct EventPublisher(workflow::EventPublisher);

impl EventPublisher {
    /// Builds the function.
    ///
    /// # Errors
    /// Only if the TLS library cannot be set up.
    pub fn new(dependencies: &Dependencies, settings: EventConfig) -> Result<Self, StartError> {
        dependencies.event_publisher(settings).map(Self)
    }

    /// Handles one message. No call is begun that could outlast `deadline`.
    ///
    /// # Errors
    /// If nothing could be recorded, or the partner's webhook has no secret.
    pub async fn handle(&self, task: Task, deadline: Option<Instant>) -> Result<(), WorkerError> {
        self.0.handle(task, deadline).await.map_err(WorkerError)
    }
}
