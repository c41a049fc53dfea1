//! What a step at the Hub is given.

use std::sync::Arc;

use exchange::Clock;
use onboarding::Event;
use partner_hub::{Authorization, Hub, HubCredentials, HubError, HubToken, Trouble};
use secrecy::SecretString;
use secrets::{Secret, WorkerSecret};
use store::{SealedToken, Store, Stored};
use time::Duration;

use super::{PermittedWork, StepError};
use crate::upkeep::hub_token;

/// How long the Hub is left alone after a 429 that names no time.
const PAUSE: Duration = Duration::seconds(30);

/// A token that was fetched so short a time ago is new.
const NEW_TOKEN: Duration = Duration::minutes(10);
/// A token that is due is there after this long.
const FETCHED_WITHIN: Duration = Duration::seconds(5);

/// What a step at the Hub is given. Cheap to clone.
#[derive(Clone)]
pub struct HubContext {
    /// The Partner Hub.
    pub hub: Hub,
    /// The partner's solution with 360dialog.
    pub solution_id: String,
    /// The table.
    pub store: Store,
    /// The workers' secret.
    pub secret: Arc<dyn Secret<WorkerSecret>>,
    /// The time.
    pub clock: Clock,
}

impl HubContext {
    /// Makes the one call that a permitted permits, and notes how the Hub is. Nothing is called if the permit is void, or if
    /// there is no token: then one is fetched first, and the work is due as before.
    pub(crate) async fn call<T>(
        &self,
        permitted: &PermittedWork,
        call: impl AsyncFnOnce(&Authorization) -> Result<T, HubError>,
    ) -> Result<Result<T, HubError>, StepError> {
        self.call_noted(permitted, async || Ok(()), call).await
    }

    /// [`Self::call`] of what must not be repeated unseen: that it is asked for is noted first, once the permit is redeemed, so
    /// that a void permit leaves no note. An error of the note keeps the call from being made.
    pub(crate) async fn call_noted<T>(
        &self,
        permitted: &PermittedWork,
        note: impl AsyncFnOnce() -> Result<(), StepError>,
        call: impl AsyncFnOnce(&Authorization) -> Result<T, HubError>,
    ) -> Result<Result<T, HubError>, StepError> {
        let secret = self.secret.value().await?;
        let (authorization, token) = match (&secret.hub, secret.hub.authorization()) {
            (_, Some(authorization)) => (authorization, None),
            (HubCredentials::Password { user_name, .. }, None) => {
                match hub_token::kept(self, user_name, &secret.hub_token_key).await? {
                    hub_token::Kept::Usable(authorization, token) => (authorization, Some(token)),
                    hub_token::Kept::Useless(token) => return self.wait_for_token(permitted, token).await,
                }
            }
            (_, None) => return Err(StepError::Unauthorized),
        };
        permitted.redeem(&self.store).await?;
        let redeemed_at = self.clock.now();
        note().await?;
        permitted.keep_pace(&self.store, redeemed_at, self.clock.now()).await?;
        let answer = call(&authorization).await;
        self.note(permitted, &answer).await;
        match (answer, token) {
            // An older one may have been revoked before its end; a new one shows that the credentials are no good.
            (Err(HubError::Unauthorized), Some(token)) => {
                self.store.want_hub_token(Some(&token)).await?;
                if self.clock.now() - token.fetched_at < NEW_TOKEN {
                    return Ok(Err(HubError::Unauthorized));
                }
                Err(StepError::Retry {
                    reason: "the Hub refused our token; another is fetched".to_owned(),
                    after: None,
                })
            }
            (answer, _) => Ok(answer),
        }
    }

    /// Fetches a token, with the one call that a permitted permits.
    pub(crate) async fn fetch_token(
        &self,
        permitted: &PermittedWork,
        user_name: &str,
        password: &SecretString,
    ) -> Result<Result<HubToken, HubError>, StepError> {
        permitted.redeem(&self.store).await?;
        let answer = self.hub.fetch_token(user_name, password).await;
        self.note(permitted, &answer).await;
        Ok(answer)
    }

    /// Notes how the Hub is.
    async fn note<T>(&self, permitted: &PermittedWork, answer: &Result<T, HubError>) {
        let noted = match answer {
            Err(HubError::Retry { trouble: Trouble::Down, .. }) => self.store.hub_failed().await,
            Err(HubError::Retry { trouble: Trouble::TooMany, retry_after, .. }) => {
                self.store.pause_calls(self.clock.now() + retry_after.unwrap_or(PAUSE)).await
            }
            _ if permitted.after_failures => self.store.hub_answered().await,
            _ => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "how the Hub is could not be noted");
        }
    }

    async fn wait_for_token<T>(&self, permitted: &PermittedWork, useless: Option<SealedToken>) -> Result<T, StepError> {
        let fetched_at = self.store.want_hub_token(useless.as_ref()).await?;
        permitted.give_back(&self.store).await?;
        let next_at = fetched_at + FETCHED_WITHIN;
        self.store.due_next(&permitted.work, Some(&permitted.permit), permitted.class, next_at).await?;
        Err(StepError::Void)
    }

    /// Records what a worker found out: its work is done, and what is next is due.
    pub(crate) async fn record(
        &self,
        permitted: &PermittedWork,
        before: Stored,
        event: &Event,
    ) -> Result<Stored, StepError> {
        Ok(self.store.record(before, &permitted.permit, event).await?.into_stored())
    }
}
