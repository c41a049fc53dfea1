//! Step 2: take what Meta's popup returned, exchange the code, have the signup confirmed.
//!
//! The code lives 30 seconds and works once, so it is claimed in the table before it is exchanged, and its token is kept before
//! anything else is asked. What cannot be proven is refused with its reason, kept as an attempt, and the customer tries
//! again. Nothing here waits for the Hub.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exchange::Clock;
use meta_graph::BusinessToken;
use meta_graph::session::{Session, SessionEvent};
use onboarding::{Event, Onboarding, OnboardingId, PopupAttempt, Status, Step};
use secrecy::{ExposeSecret, SecretString};
use secrets::{BundleSecret, Secret};
use store::{CodeClaim, KeptToken, MOST_EXCHANGES, Store, Stored};
use url::Url;

use super::callback_error::{CallbackError, RefusalCode};
use super::confirmation::Confirmation;

/// How long the proof may take at most. API Gateway waits 29 seconds for an answer.
const PROOF: Duration = Duration::from_secs(25);
/// What is left of the invocation after the proof, so that what came of it is kept.
const AFTER_PROOF: Duration = Duration::from_secs(4);

/// What the step needs.
#[derive(Clone)]
pub struct EsCallback {
    /// What has signups confirmed.
    pub confirmation: Confirmation,
    /// The table.
    pub store: Store,
    /// The app secret.
    pub bundle: Arc<dyn Secret<BundleSecret>>,
    /// The time.
    pub clock: Clock,
}

/// What the page posts.
#[derive(Debug)]
pub struct Callback {
    /// The code from the callback of `FB.login`.
    pub code: Option<SecretString>,
    /// Meta's message event.
    pub session: Option<Session>,
    /// Where the full-page sign-in led back to; none for the popup.
    pub redirect_uri: Option<Url>,
    /// It came by a setup link that was replaced meanwhile.
    pub by_former_link: bool,
}

impl EsCallback {
    /// Handles one callback of the page for an onboarding whose setup token was presented. It ends before `deadline`, the end
    /// of the invocation.
    ///
    /// # Errors
    /// Why it does not lead on.
    pub async fn run(
        &self,
        stored: Stored,
        callback: Callback,
        deadline: Option<Instant>,
    ) -> Result<Stored, CallbackError> {
        let started = Instant::now();
        let result = self.handle(stored, callback, proof_until(started, deadline)).await;
        let outcome = result.as_ref().map_or_else(CallbackError::code, |_| "done");
        telemetry::step(Step::EsCallback.as_str(), outcome, started, None);
        result
    }

    #[expect(clippy::disallowed_methods, reason = "only hashed")]
    async fn handle(&self, stored: Stored, callback: Callback, until: Instant) -> Result<Stored, CallbackError> {
        let Some(code) = &callback.code else { return self.told(stored, callback.session.as_ref()).await };
        let id = &stored.onboarding.id;
        let code_sha256 = exchange::sha256_hex(code.expose_secret());
        if !stored.onboarding.takes_signup() {
            return if known_code(&stored.onboarding, &code_sha256) {
                Ok(stored)
            } else {
                Err(CallbackError::takes_none(&stored.onboarding))
            };
        }
        if !callback.by_former_link && self.store.popup(id).await?.exchanges >= MOST_EXCHANGES {
            return Err(too_many_attempts());
        }
        let secret = self.bundle.value().await?;
        // A token that cannot be kept must not be asked for.
        self.confirmation.sealing.value().await?;
        // A code that is not claimed can be posted again.
        if Instant::now() >= until {
            return Err(CallbackError::late());
        }
        match self.store.claim_code(&code_sha256, id).await? {
            CodeClaim::First => {}
            CodeClaim::Taken { by, at_work } if by == *id => {
                return self.claimed_before(id, &code_sha256, at_work, until).await;
            }
            CodeClaim::Taken { .. } => return Err(CallbackError::CodeUsed),
        }
        let confirmed = match self.exchange(id, code, &secret, &callback, until).await {
            Ok(token) => self.confirm(id, &token, code_sha256.clone(), callback.session.as_ref(), until).await,
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "code not exchanged");
                self.keep_attempt(id, callback.session.as_ref(), error.code()).await;
                Err(error)
            }
        };
        if confirmed.is_err()
            && let Err(error) = self.store.spend_code(&code_sha256).await
        {
            tracing::warn!(%error, "the code counts as being at work until it has run out");
        }
        confirmed
    }

    /// Exchanges a code, which is counted first.
    async fn exchange(
        &self,
        id: &OnboardingId,
        code: &SecretString,
        secret: &BundleSecret,
        callback: &Callback,
        until: Instant,
    ) -> Result<BusinessToken, CallbackError> {
        if !self.store.reserve_exchange(id, callback.by_former_link).await? {
            return Err(too_many_attempts());
        }
        let meta = &self.confirmation.proof.meta;
        let exchanged = meta.exchange_code(&secret.meta_app_secret, code, callback.redirect_uri.as_ref());
        let exchanged = tokio::time::timeout_at(until.into(), exchanged).await;
        let exchanged = exchanged.map_or_else(|_| Err(CallbackError::late()), |exchanged| Ok(exchanged?));
        if exchanged.as_ref().is_err_and(CallbackError::may_pass) {
            // The code is lost, and what the customer did at Meta is not.
            self.store.popup_finished(id).await?;
        }
        exchanged
    }

    /// Keeps the token, and then asks whose signup it is.
    async fn confirm(
        &self,
        id: &OnboardingId,
        token: &BusinessToken,
        code_sha256: String,
        session: Option<&Session>,
        until: Instant,
    ) -> Result<Stored, CallbackError> {
        let kept = KeptToken {
            sealed: self.confirmation.seal(id, token).await?,
            code_sha256,
            exchanged_at: self.clock.now(),
            waba_id: session.and_then(|session| session.waba_id.clone()),
            phone_number_id: session.and_then(|session| session.phone_number_id.clone()),
            coexistence: session.is_some_and(|session| session.event == SessionEvent::FinishCoexistence),
            event: event_name(session),
            session_id: session.and_then(|session| session.session_id.clone()),
        };
        let stored = self.store.exchanged(id, &kept).await?.into_stored();
        Box::pin(self.confirmation.prove_at_request(stored, until)).await
    }

    /// The customer opened the popup, finished there, or left it.
    async fn told(&self, stored: Stored, session: Option<&Session>) -> Result<Stored, CallbackError> {
        let id = &stored.onboarding.id;
        match session {
            Some(session) if session.event == SessionEvent::Opened => {
                if stored.onboarding.takes_signup() && self.clock.now() < stored.onboarding.link_expires_at {
                    self.store.popup_opened(id, &stored.onboarding.setup_token_sha256).await?;
                }
                Ok(stored)
            }
            Some(session) if session.finished() => {
                if stored.onboarding.signup_status() == Status::Started {
                    self.store.popup_finished(id).await?;
                    if let Some(waba_id) = &session.waba_id {
                        self.store.hint(id, waba_id).await?;
                    }
                }
                Ok(stored)
            }
            _ => {
                let attempt = self.attempt(session, None);
                Ok(self.store.apply(id, &Event::PopupLeft { attempt }).await?.into_stored())
            }
        }
    }

    /// The same code came before: by now it may have been dealt with. One that led to nothing is no use any more, and to
    /// say that it is being worked on would keep the customer waiting.
    async fn claimed_before(
        &self,
        id: &OnboardingId,
        code_sha256: &str,
        at_work: bool,
        until: Instant,
    ) -> Result<Stored, CallbackError> {
        let stored = self.store.get(id).await?;
        match (known_code(&stored.onboarding, code_sha256), at_work) {
            (true, _) => Ok(stored),
            _ if stored.onboarding.signup_status() == Status::Confirming => {
                Box::pin(self.confirmation.prove_at_request(stored, until)).await
            }
            (false, true) => Err(CallbackError::InProgress),
            (false, false) => Err(CallbackError::CodeUsed),
        }
    }

    async fn keep_attempt(&self, id: &OnboardingId, session: Option<&Session>, code: &'static str) {
        let attempt = self.attempt(session, Some(code));
        if let Err(error) = self.store.apply(id, &Event::PopupLeft { attempt }).await {
            tracing::warn!(%error, "attempt not kept");
        }
    }

    fn attempt(&self, session: Option<&Session>, code: Option<&str>) -> PopupAttempt {
        let told = |member: fn(&Session) -> &Option<String>| session.and_then(|session| member(session).clone());
        PopupAttempt {
            at: self.clock.now(),
            event: event_name(session),
            current_step: told(|session| &session.current_step),
            error_code: code.map(ToOwned::to_owned).or_else(|| told(|session| &session.error_code)),
            error_message: told(|session| &session.error_message),
            session_id: told(|session| &session.session_id),
        }
    }
}

/// Until when Meta may be asked in an invocation that ends at `deadline`.
pub(crate) fn proof_until(started: Instant, deadline: Option<Instant>) -> Instant {
    deadline.map_or(started + PROOF, |end| (started + PROOF).min(end.checked_sub(AFTER_PROOF).unwrap_or(started)))
}

fn event_name(session: Option<&Session>) -> String {
    session.map_or_else(|| "NONE".to_owned(), |session| session.name.clone())
}

fn known_code(onboarding: &Onboarding, code_sha256: &str) -> bool {
    onboarding.signup.as_ref().and_then(|signup| signup.code_sha256.as_deref()) == Some(code_sha256)
}

fn too_many_attempts() -> CallbackError {
    let reason = "Too many sign-ups were tried with this link. Please ask for a new one.".to_owned();
    CallbackError::Refused { code: RefusalCode::TooManyAttempts, reason }
}
