//! `DELETE /onboardings/{id}`: erases what is personal of an onboarding at rest.

use std::time::{Duration, Instant};

use api::access::require_back_end;
use api::{Problem, onboarding_id, requester};
use lambda_http::{Body, Request, Response};
use onboarding::OnboardingId;
use store::StoreError;

use crate::Onboardings;

/// How long a request erases. What is left then is reconciliation's.
const AT_MOST: Duration = Duration::from_secs(10);

impl Onboardings {
    /// Erases an onboarding. Repeated, it is answered alike.
    pub(crate) async fn erase(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        match self.store.erase(&id, requester(request)).await {
            Ok(_) => {}
            Err(StoreError::Illegal(_)) => return Err(Problem::not_at_rest(&self.store.get(&id).await?.onboarding)),
            Err(error) => return Err(error.into()),
        }
        if !self.store.erase_rest(&id, Instant::now() + AT_MOST).await? {
            tracing::info!("a long history is erased by reconciliation");
        }
        self.shown(&self.store.get(&id).await?).await
    }

    /// That the onboarding was erased, if it was; else this problem.
    pub(crate) async fn unless_erased(&self, id: &OnboardingId, otherwise: Problem) -> Problem {
        match self.store.get(id).await {
            Ok(stored) if stored.onboarding.erased_at.is_some() => Problem::erased(),
            Ok(_) => otherwise,
            Err(error) => error.into(),
        }
    }
}
