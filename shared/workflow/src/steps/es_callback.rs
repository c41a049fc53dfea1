//! Step 2: take what Meta's popup returned, exchange the code, prove the signup.
//!
//! What cannot be proven is refused with its reason, kept as an attempt, and the customer tries again. The code lives 30
//! seconds and works once, so it is claimed in the table before it is exchanged, and nothing here waits for the Hub.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exchange::Clock;
use meta_graph::MetaError;
use meta_graph::session::{Session, SessionEvent};
use onboarding::{Event, MAX_POPUP_ATTEMPTS, Onboarding, OnboardingId, PopupAttempt, Step};
use secrecy::{ExposeSecret, SecretString};
use secrets::{Secrets, SecretsError};
use store::{CodeClaim, Store, StoreError, Stored};
use strum::{IntoStaticStr, VariantArray};
use url::Url;

use super::proof::{Claims, SignupProof};

/// How long the proof may take at most. API Gateway waits 29 seconds for an answer.
const PROOF: Duration = Duration::from_secs(25);
/// What is left of the invocation after the proof, so that a sign-up that is not proven is kept as an attempt.
const AFTER_PROOF: Duration = Duration::from_secs(4);

/// What the step needs.
#[derive(Clone)]
pub struct EsCallback {
    /// What proves a signup.
    pub proof: SignupProof,
    /// The table.
    pub store: Store,
    /// The app secret.
    pub secrets: Arc<dyn Secrets>,
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
}

/// Why a callback does not lead on. The onboarding is where it was, and the customer can try again, unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The signup is done already, with another code.
    #[error("this onboarding has a finished signup already")]
    AlreadySignedUp,
    /// The same code is being handled at this moment.
    #[error("this callback is being handled already")]
    InProgress,
    /// The popup says that it is finished but gave no code.
    #[error("Meta's popup gave no code")]
    CodeMissing,
    /// The code was older than 30 seconds.
    #[error("the code has expired")]
    CodeExpired,
    /// The code was exchanged before.
    #[error("the code has been used")]
    CodeUsed,
    /// The WABA has no phone number.
    #[error("the WhatsApp Business Account has no phone number")]
    NoNumber,
    /// The number belongs to another onboarding.
    #[error("the number belongs to another onboarding")]
    NumberTaken,
    /// What the browser claims could not be proven.
    #[error("{reason}")]
    Refused {
        /// What could not be proven.
        code: RefusalCode,
        /// A sentence for people.
        reason: String,
    },
    /// Meta or our table is out of reach.
    #[error("{0}")]
    Unavailable(String),
    /// Meta refuses our app, or the bundle's secret is not filled in: an operator must act.
    #[error("{0}")]
    Misconfigured(String),
}

/// The stable word for programs under which a signup is refused that could not be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum RefusalCode {
    /// Meta refused the code.
    CodeRefused,
    /// Meta refused another call of the proof.
    MetaRefused,
    /// Too many sign-ups were tried with the link.
    TooManyAttempts,
    /// Meta's token is not valid for our app.
    TokenNotOurs,
    /// Meta did not say which WABA was chosen.
    WabaUnknown,
    /// The WABA was not shared with us.
    WabaNotGranted,
    /// The number is not one of the WABA's.
    NumberNotInWaba,
}

impl RefusalCode {
    /// Every code.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl CallbackError {
    /// The stable word under which an attempt and the answer name it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadySignedUp => "already_signed_up",
            Self::InProgress => "in_progress",
            Self::CodeMissing => "code_missing",
            Self::CodeExpired => "code_expired",
            Self::CodeUsed => "code_used",
            Self::NoNumber => "no_number",
            Self::NumberTaken => "number_taken",
            Self::Refused { code, .. } => code.as_str(),
            Self::Unavailable(_) => "unavailable",
            Self::Misconfigured(_) => "misconfigured",
        }
    }
}

impl From<StoreError> for CallbackError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NumberTaken => Self::NumberTaken,
            StoreError::Illegal(_) => Self::AlreadySignedUp,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<SecretsError> for CallbackError {
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Unavailable(_) => Self::Unavailable(error.to_string()),
            SecretsError::Incomplete(_) => Self::Misconfigured(error.to_string()),
        }
    }
}

impl From<MetaError> for CallbackError {
    fn from(error: MetaError) -> Self {
        // Its words are for the log; customers get Meta's own for them, or ours.
        tracing::warn!(%error, "Meta did not confirm the signup");
        let refused = |code, told: Option<String>| {
            let reason = told.unwrap_or_else(|| "Meta did not accept this sign-up. Please try again.".to_owned());
            Self::Refused { code, reason }
        };
        match error {
            MetaError::CodeExpired => Self::CodeExpired,
            MetaError::CodeUsed => Self::CodeUsed,
            MetaError::CodeRefused { .. } => refused(RefusalCode::CodeRefused, None),
            MetaError::Misconfigured { reason } => Self::Misconfigured(reason),
            MetaError::Unclear => Self::Unavailable("Meta did not answer in time".to_owned()),
            MetaError::Retry { reason, .. } => Self::Unavailable(reason),
            MetaError::Refused { user_message, .. } => refused(RefusalCode::MetaRefused, user_message),
        }
    }
}

impl EsCallback {
    /// Handles one callback of the page for an onboarding whose setup token was presented. It ends before `deadline`, the end
    /// of the invocation.
    pub async fn run(
        &self,
        stored: Stored,
        callback: Callback,
        deadline: Option<Instant>,
    ) -> Result<Stored, CallbackError> {
        let started = Instant::now();
        let proof_until = deadline
            .map_or(started + PROOF, |end| (started + PROOF).min(end.checked_sub(AFTER_PROOF).unwrap_or(started)));
        let result = self.handle(stored, callback, proof_until).await;
        let outcome = result.as_ref().map_or_else(CallbackError::code, |_| "done");
        telemetry::step(Step::EsCallback.as_str(), outcome, started, None);
        result
    }

    #[expect(clippy::disallowed_methods, reason = "only hashed")]
    async fn handle(&self, stored: Stored, callback: Callback, proof_until: Instant) -> Result<Stored, CallbackError> {
        let Some(code) = &callback.code else { return self.left(stored, callback.session.as_ref()).await };
        let id = &stored.onboarding.id;
        let code_sha256 = exchange::sha256_hex(code.expose_secret());
        if !stored.onboarding.takes_signup() {
            return if known_code(&stored.onboarding, &code_sha256) {
                Ok(stored)
            } else {
                Err(CallbackError::AlreadySignedUp)
            };
        }
        if stored.onboarding.attempts_count >= MAX_POPUP_ATTEMPTS {
            let reason = "Too many sign-ups were tried with this link. Please ask for a new one.".to_owned();
            return Err(CallbackError::Refused { code: RefusalCode::TooManyAttempts, reason });
        }
        // Without this, Meta's report of this signup might be taken for another customer's.
        self.store.popup_opened(id).await?;
        let late = || CallbackError::Unavailable("Meta did not answer in time".to_owned());
        // A code that is not claimed can be posted again.
        if Instant::now() >= proof_until {
            return Err(late());
        }
        match self.store.claim_code(&code_sha256, id).await? {
            CodeClaim::First => {}
            CodeClaim::Taken { by, at_work } if by == *id => {
                return self.claimed_before(id, &code_sha256, at_work).await;
            }
            CodeClaim::Taken { .. } => return Err(CallbackError::CodeUsed),
        }
        let proof = self.prove(id, code, code_sha256.clone(), &callback);
        match tokio::time::timeout_at(proof_until.into(), proof).await.unwrap_or_else(|_| Err(late())) {
            Ok(stored) => Ok(stored),
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "signup not proven");
                self.keep_attempt(id, callback.session.as_ref(), error.code()).await;
                if let Err(error) = self.store.spend_code(&code_sha256).await {
                    tracing::warn!(%error, "the code counts as being at work until it has run out");
                }
                Err(error)
            }
        }
    }

    /// The customer opened the popup, left it, or it gave no code.
    async fn left(&self, stored: Stored, session: Option<&Session>) -> Result<Stored, CallbackError> {
        let id = &stored.onboarding.id;
        // Later ones are not kept, so that a link cannot write without end.
        if stored.onboarding.takes_signup() && stored.onboarding.attempts_count < MAX_POPUP_ATTEMPTS {
            self.store.popup_opened(id).await?;
        }
        if session.is_some_and(|session| session.event == SessionEvent::Opened) {
            return Ok(stored);
        }
        let finished = session.is_some_and(Session::finished);
        let attempt = self.attempt(session, finished.then_some(CallbackError::CodeMissing.code()));
        let stored = self.store.apply(id, &Event::PopupLeft { attempt }).await?.into_stored();
        if finished && stored.onboarding.takes_signup() { Err(CallbackError::CodeMissing) } else { Ok(stored) }
    }

    /// The same code came before: by now it may have been dealt with. One that led to nothing is no use any more, and to
    /// say that it is being worked on would keep the customer waiting.
    async fn claimed_before(
        &self,
        id: &OnboardingId,
        code_sha256: &str,
        at_work: bool,
    ) -> Result<Stored, CallbackError> {
        let stored = self.store.get(id).await?;
        match (known_code(&stored.onboarding, code_sha256), at_work) {
            (true, _) => Ok(stored),
            (false, true) => Err(CallbackError::InProgress),
            (false, false) => Err(CallbackError::CodeUsed),
        }
    }

    async fn prove(
        &self,
        id: &OnboardingId,
        code: &SecretString,
        code_sha256: String,
        callback: &Callback,
    ) -> Result<Stored, CallbackError> {
        let secret = self.secrets.bundle().await?;
        let app_secret = &secret.meta_app_secret;
        let token = self.proof.meta.exchange_code(app_secret, code, callback.redirect_uri.as_ref()).await?;
        let claims = callback.session.as_ref().map(Claims::from).unwrap_or_default();
        let event = self.proof.of(app_secret, &token, claims, Some(code_sha256)).await?;
        Ok(self.store.apply(id, &event).await?.into_stored())
    }

    async fn keep_attempt(&self, id: &OnboardingId, session: Option<&Session>, code: &'static str) {
        let attempt = self.attempt(session, Some(code));
        if let Err(error) = self.store.apply(id, &Event::PopupLeft { attempt }).await {
            tracing::warn!(%error, "attempt not kept");
        }
    }

    fn attempt(&self, session: Option<&Session>, code: Option<&str>) -> PopupAttempt {
        let event = session.map_or_else(|| "NONE".to_owned(), |session| session.name.clone());
        let told = |member: fn(&Session) -> &Option<String>| session.and_then(|session| member(session).clone());
        PopupAttempt {
            at: self.clock.now(),
            event,
            current_step: told(|session| &session.current_step),
            error_code: code.map(ToOwned::to_owned).or_else(|| told(|session| &session.error_code)),
            error_message: told(|session| &session.error_message),
            session_id: told(|session| &session.session_id),
        }
    }
}

fn known_code(onboarding: &Onboarding, code_sha256: &str) -> bool {
    onboarding.signup.as_ref().and_then(|signup| signup.code_sha256.as_deref()) == Some(code_sha256)
}
