//! Has a signup confirmed by the token that its code was exchanged for. The token lies sealed in the table until Meta has
//! answered, so this can be repeated: by the page, and by reconciliation.

use std::sync::Arc;
use std::time::Instant;

use exchange::Clock;
use meta_graph::BusinessToken;
use onboarding::{Event, Onboarding, OnboardingId, PopupAttempt};
use secrets::{BundleSecret, SealError, SealingKeys, Secret};
use store::{KeptToken, ProofTurn, Store, Stored};
use time::Duration;

use super::callback_error::CallbackError;
use super::proof::{Claims, Expected, Proven, SignupProof};

/// So soon after a rotation every process reads the new sealing key when it needs it: a key is read twice a minute at most.
const KEYS_SPREAD: Duration = Duration::minutes(1);

/// What has signups confirmed.
#[derive(Clone)]
pub struct Confirmation {
    /// What proves a signup.
    pub proof: SignupProof,
    /// The table.
    pub store: Store,
    /// The app secret.
    pub bundle: Arc<dyn Secret<BundleSecret>>,
    /// The keys with which tokens are sealed.
    pub sealing: Arc<dyn Secret<SealingKeys>>,
    /// The time.
    pub clock: Clock,
}

impl Confirmation {
    /// Seals the token of an onboarding's signup.
    pub(crate) async fn seal(&self, id: &OnboardingId, token: &BusinessToken) -> Result<Vec<u8>, CallbackError> {
        let sealed = self.sealing.value().await?.seal(token.secret(), id.as_str());
        sealed.map_err(|error: SealError| CallbackError::Unavailable(error.to_string()))
    }

    /// Asks Meta while the page waits.
    ///
    /// # Errors
    /// Why the signup is not proven and will not be: the onboarding is where it was before the code came.
    pub(crate) async fn prove_at_request(&self, stored: Stored, until: Instant) -> Result<Stored, CallbackError> {
        self.prove(stored, true, until).await
    }

    /// Asks Meta again.
    ///
    /// # Errors
    /// As [`Self::prove_at_request`].
    pub(crate) async fn prove_again(&self, stored: Stored, until: Instant) -> Result<Stored, CallbackError> {
        self.prove(stored, false, until).await
    }

    async fn prove(&self, stored: Stored, at_request: bool, until: Instant) -> Result<Stored, CallbackError> {
        let id = stored.onboarding.id.clone();
        let Some(confirmation) = &stored.onboarding.confirmation else { return Ok(stored) };
        let token = match self.store.begin_proof(&id, at_request).await? {
            ProofTurn::Ours(token) => token,
            ProofTurn::Wait => return Ok(stored),
            ProofTurn::Gone => return self.give_up(&id, &confirmation.code_sha256).await,
        };
        let event = tokio::time::timeout_at(until.into(), self.proven_by(&stored.onboarding, &token)).await;
        let event = event.unwrap_or_else(|_| Err(CallbackError::late()));
        let applied = match event {
            Ok(event) => self.store.apply(&id, &event).await.map_err(CallbackError::from),
            Err(error) => Err(error),
        };
        match applied {
            Ok(applied) => Ok(applied.into_stored()),
            Err(error) if error.may_pass() => {
                tracing::warn!(code = error.code(), %error, "the signup is not confirmed yet");
                self.store.proof_pending(&id, &token.code_sha256).await?;
                Ok(self.store.get(&id).await?)
            }
            Err(CallbackError::OneMoreClick) => self.give_up(&id, &token.code_sha256).await,
            // Another code was proven meanwhile, or the onboarding was called off.
            Err(error @ (CallbackError::AlreadySignedUp | CallbackError::Ended)) => Err(error),
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "signup not proven");
                self.refuse(&id, &token, error.code()).await?;
                Err(error)
            }
        }
    }

    /// What the token proves.
    async fn proven_by(&self, onboarding: &Onboarding, kept: &KeptToken) -> Result<Event, CallbackError> {
        let id = &onboarding.id;
        let opened = match self.sealing.value().await?.open(&kept.sealed, id.as_str()) {
            Some(token) => Some(token),
            // The keys may have been rotated since they were read.
            None => self.sealing.refresh().await?.open(&kept.sealed, id.as_str()),
        };
        let token = match opened {
            Some(token) => BusinessToken::new(token),
            // Another process may have sealed it with a key that is newer than those that this one has just read.
            None if self.clock.now() - kept.exchanged_at < KEYS_SPREAD => return Err(CallbackError::late()),
            None => return Err(CallbackError::OneMoreClick),
        };
        let claims = Claims {
            waba_id: kept.waba_id.as_ref(),
            phone_number_id: kept.phone_number_id.as_ref(),
            coexistence: kept.coexistence,
        };
        let secret = self.bundle.value().await?;
        let expected = Expected::of(onboarding);
        let proven = Proven::ByCode(kept.code_sha256.clone());
        self.proof.of(&secret.meta_app_secret, &token, (claims, expected), proven).await
    }

    /// The token is lost. What the customer did at Meta is not: one more click completes it.
    async fn give_up(&self, id: &OnboardingId, code_sha256: &str) -> Result<Stored, CallbackError> {
        tracing::warn!("the token of a signup is lost; the customer has to finish once more");
        self.store.popup_finished(id).await?;
        let attempt = self.attempt("NONE".to_owned(), None, CallbackError::OneMoreClick.code());
        let event = Event::ProofFailed { code_sha256: code_sha256.to_owned(), attempt };
        Ok(self.store.apply(id, &event).await?.into_stored())
    }

    async fn refuse(&self, id: &OnboardingId, token: &KeptToken, code: &'static str) -> Result<(), CallbackError> {
        let attempt = self.attempt(token.event.clone(), token.session_id.clone(), code);
        let event = Event::ProofFailed { code_sha256: token.code_sha256.clone(), attempt };
        self.store.apply(id, &event).await?;
        Ok(())
    }

    fn attempt(&self, event: String, session_id: Option<String>, code: &str) -> PopupAttempt {
        PopupAttempt {
            at: self.clock.now(),
            event,
            current_step: None,
            error_code: Some(code.to_owned()),
            error_message: None,
            session_id,
        }
    }
}
