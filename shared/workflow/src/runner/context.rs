//! What a step at the Hub is given.

use std::sync::Arc;

use exchange::Clock;
use onboarding::Event;
use partner_hub::{Hub, HubCredentials, HubError, Trouble};
use secrets::Secrets;
use store::{Store, Stored};
use time::Duration;

use super::{StepError, Ticket};

/// How long the Hub is left alone after a 429 that names no time.
const PAUSE: Duration = Duration::seconds(30);

/// What a step at the Hub is given. Cheap to clone.
#[derive(Clone)]
pub struct HubContext {
    /// The Partner Hub.
    pub hub: Hub,
    /// The partner's solution with 360dialog.
    pub solution_id: String,
    /// The table.
    pub store: Store,
    /// The bundle's secret.
    pub secrets: Arc<dyn Secrets>,
    /// The time.
    pub clock: Clock,
}

impl HubContext {
    /// Makes the one call that a ticket permits, and notes how the Hub is. Nothing is called if the permit is void.
    pub(crate) async fn call<T>(
        &self,
        ticket: &Ticket,
        call: impl AsyncFnOnce(&HubCredentials) -> Result<T, HubError>,
    ) -> Result<Result<T, HubError>, StepError> {
        let credentials = self.secrets.bundle().await?.hub.clone();
        ticket.redeem(&self.store).await?;
        let answer = call(&credentials).await;
        let noted = match &answer {
            Err(HubError::Retry { trouble: Trouble::Down, .. }) => self.store.hub_failed().await,
            Err(HubError::Retry { trouble: Trouble::TooMany, retry_after, .. }) => {
                self.store.pause_calls(self.clock.now() + retry_after.unwrap_or(PAUSE)).await
            }
            _ if ticket.after_failures => self.store.hub_answered().await,
            _ => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "how the Hub is could not be noted");
        }
        Ok(answer)
    }

    /// Records what a worker found out: its work is done, and what is next is due.
    pub(crate) async fn record(&self, ticket: &Ticket, before: Stored, event: &Event) -> Result<Stored, StepError> {
        Ok(self.store.record(before, &ticket.permit, event).await?.into_stored())
    }
}
