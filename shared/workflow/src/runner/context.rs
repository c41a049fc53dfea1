//! What a step at the Hub is given.

use std::sync::Arc;

use exchange::Clock;
use onboarding::call_limit::{CallLimit, Permit, Priority, Slot};
use onboarding::{Event, Onboarding};
use partner_hub::{Hub, HubCredentials};
use queue::Queue;
use secrets::Secrets;
use store::{Store, Stored};

use super::StepError;

/// What a step at the Hub is given. Cheap to clone.
#[derive(Clone)]
pub struct HubContext {
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

impl HubContext {
    /// The Hub credentials as they stand now.
    pub(crate) async fn credentials(&self) -> Result<HubCredentials, StepError> {
        Ok(self.secrets.bundle().await?.hub.clone())
    }

    /// Takes a token for one Hub call. The slot of an earlier answer is used up.
    pub(crate) async fn acquire_call(&self, priority: Priority, slot: &mut Option<Slot>) -> Result<(), StepError> {
        match self.store.take_call(self.limit, priority, slot.take()).await? {
            Permit::Granted => Ok(()),
            Permit::RetryAt { until, slot } => Err(StepError::Wait { until, slot }),
        }
    }

    pub(crate) async fn apply(&self, onboarding: &Onboarding, event: &Event) -> Result<Stored, StepError> {
        Ok(self.store.apply(&onboarding.id, event).await?.into_stored())
    }
}
