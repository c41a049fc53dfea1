//! Step 2: take what Meta's popup returned, exchange the code, prove the signup.
//!
//! The browser only claims. What it claims is proven with the token that Meta gives for the code; any doubt is refused
//! with its reason, kept as an attempt, and the customer tries again. The code lives 30 seconds and works once, so it is
//! claimed in the table before it is exchanged, and nothing here waits for the Hub.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::send_on;
use crate::clock::Clock;
use crate::meta::session::{Session, SessionEvent};
use crate::meta::{BusinessToken, Meta, MetaError};
use crate::onboarding::{
    BusinessId, Event, Onboarding, OnboardingId, PhoneNumber, PopupAttempt, Signup, Status, Step, WabaId,
};
use crate::queue::Queue;
use crate::secrets::{BundleSecret, Secrets, SecretsError};
use crate::store::{CodeClaim, Store, StoreError, Stored};
use crate::telemetry;

/// How long the proof may take. API Gateway waits 29 seconds for an answer.
const PROOF: std::time::Duration = std::time::Duration::from_secs(25);

/// What the step needs.
#[derive(Clone)]
pub struct EsCallback {
    /// Meta's Graph API.
    pub meta: Meta,
    /// Our app's id: the token must be for it.
    pub app_id: String,
    /// The table.
    pub store: Store,
    /// Where a proven signup goes on.
    pub queue: Arc<dyn Queue>,
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
        /// A stable word, such as `waba_not_granted`.
        code: &'static str,
        /// A sentence for people.
        reason: String,
    },
    /// Meta or our table is out of reach.
    #[error("{0}")]
    Unavailable(String),
    /// Meta refuses our app: an operator must act.
    #[error("{0}")]
    Misconfigured(String),
}

impl CallbackError {
    /// The stable word under which an attempt and the answer name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlreadySignedUp => "already_signed_up",
            Self::InProgress => "in_progress",
            Self::CodeMissing => "code_missing",
            Self::CodeExpired => "code_expired",
            Self::CodeUsed => "code_used",
            Self::NoNumber => "no_number",
            Self::NumberTaken => "number_taken",
            Self::Refused { code, .. } => code,
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
        Self::Unavailable(error.to_string())
    }
}

impl From<MetaError> for CallbackError {
    fn from(error: MetaError) -> Self {
        match error {
            MetaError::CodeExpired => Self::CodeExpired,
            MetaError::CodeUsed => Self::CodeUsed,
            MetaError::CodeRefused { reason } => Self::Refused { code: "code_refused", reason },
            MetaError::Misconfigured { reason } => Self::Misconfigured(reason),
            MetaError::Unclear => Self::Unavailable("Meta did not answer in time".to_owned()),
            MetaError::Retry { reason, .. } => Self::Unavailable(reason),
            MetaError::Refused { reason, .. } => Self::Refused { code: "meta_refused", reason },
        }
    }
}

impl EsCallback {
    /// Handles one callback of the page for an onboarding whose setup token was presented.
    ///
    /// # Errors
    /// [`CallbackError`]
    pub async fn run(&self, stored: Stored, callback: Callback) -> Result<Stored, CallbackError> {
        let started = std::time::Instant::now();
        let result = self.handle(stored, callback).await;
        let outcome = result.as_ref().map_or_else(CallbackError::code, |_| "done");
        telemetry::step(Step::EsCallback, outcome, started, None);
        result
    }

    async fn handle(&self, stored: Stored, callback: Callback) -> Result<Stored, CallbackError> {
        let Onboarding { id, status, .. } = &stored.onboarding;
        let Some(code) = &callback.code else { return self.left(id, callback.session.as_ref()).await };
        let code_sha256 = hex::encode(Sha256::digest(code.expose_secret()));
        if *status != Status::Started {
            return if known_code(&stored.onboarding, &code_sha256) {
                Ok(stored)
            } else {
                Err(CallbackError::AlreadySignedUp)
            };
        }
        if let CodeClaim::Taken { by } = self.store.claim_code(&code_sha256, id).await? {
            return if by == *id { self.claimed_before(id, &code_sha256).await } else { Err(CallbackError::CodeUsed) };
        }
        let proof = self.prove(id, code, code_sha256, &callback);
        let late = |_| CallbackError::Unavailable("Meta did not answer in time".to_owned());
        match tokio::time::timeout(PROOF, proof).await.unwrap_or_else(|elapsed| Err(late(elapsed))) {
            Ok(stored) => {
                if let Err(error) = send_on(&*self.queue, &stored.onboarding).await {
                    tracing::warn!(%error, "not queued; reconciliation will");
                }
                Ok(stored)
            }
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "signup not proven");
                self.keep_attempt(id, callback.session.as_ref(), error.code()).await;
                Err(error)
            }
        }
    }

    /// The customer left the popup, or it gave no code.
    async fn left(&self, id: &OnboardingId, session: Option<&Session>) -> Result<Stored, CallbackError> {
        let finished = session.is_some_and(Session::finished);
        let attempt = self.attempt(session, finished.then_some(CallbackError::CodeMissing.code()));
        let stored = self.store.apply(id, &Event::PopupLeft { attempt }).await?.into_stored();
        if finished && stored.onboarding.status == Status::Started {
            Err(CallbackError::CodeMissing)
        } else {
            Ok(stored)
        }
    }

    /// The same code came before: by now it may have been dealt with.
    async fn claimed_before(&self, id: &OnboardingId, code_sha256: &str) -> Result<Stored, CallbackError> {
        let stored = self.store.get(id).await?;
        if known_code(&stored.onboarding, code_sha256) { Ok(stored) } else { Err(CallbackError::InProgress) }
    }

    async fn prove(
        &self,
        id: &OnboardingId,
        code: &SecretString,
        code_sha256: String,
        callback: &Callback,
    ) -> Result<Stored, CallbackError> {
        let (session, redirect_uri) = (callback.session.as_ref(), callback.redirect_uri.as_ref());
        let secret = self.secrets.bundle().await?;
        let token = self.meta.exchange_code(&secret.meta_app_secret, code, redirect_uri).await?;
        let waba_id = self.granted_waba(&secret, &token, session).await?;
        let (waba, numbers, business_id) = tokio::join!(
            self.meta.waba(&secret.meta_app_secret, &token, &waba_id.id),
            self.meta.phone_numbers(&secret.meta_app_secret, &token, &waba_id.id),
            self.business_id(&secret, &token),
        );
        let waba_name = match waba {
            Ok(waba) => waba.name,
            Err(_) if waba_id.named_in_token => None,
            Err(MetaError::Refused { .. }) => return Err(not_granted()),
            Err(error) => return Err(error.into()),
        };
        let signup = Signup {
            waba_id: waba_id.id,
            waba_name,
            business_id,
            coexistence: session.is_some_and(|session| session.event == SessionEvent::FinishCoexistence),
            number: None,
            code_sha256: Some(code_sha256),
        };
        let event = proven(signup, numbers?, session)?;
        Ok(self.store.apply(id, &event).await?.into_stored())
    }

    /// The WABA that the token was granted for: the one that the browser claims, or the only one in the token.
    async fn granted_waba(
        &self,
        secret: &BundleSecret,
        token: &BusinessToken,
        session: Option<&Session>,
    ) -> Result<GrantedWaba, CallbackError> {
        let info = self.meta.debug_token(&secret.meta_app_secret, token).await?;
        if !info.is_valid || info.app_id.as_deref() != Some(&self.app_id) {
            let reason = "Meta's token is not valid for our app".to_owned();
            return Err(CallbackError::Refused { code: "token_not_ours", reason });
        }
        if let Some(claimed) = session.and_then(|session| session.waba_id.clone()) {
            let named_in_token = info.names_waba(&claimed);
            return Ok(GrantedWaba { id: claimed, named_in_token });
        }
        match <[WabaId; 1]>::try_from(info.wabas()) {
            Ok([id]) => Ok(GrantedWaba { id, named_in_token: true }),
            Err(_) => Err(CallbackError::Refused {
                code: "waba_unknown",
                reason: "Meta did not say which WhatsApp Business Account was chosen".to_owned(),
            }),
        }
    }

    /// The portfolio, from Meta. The Hub does not need it beside a client account, so that nothing fails without it.
    async fn business_id(&self, secret: &BundleSecret, token: &BusinessToken) -> Option<BusinessId> {
        self.meta.client_business_id(&secret.meta_app_secret, token).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "Meta did not tell the business portfolio");
            None
        })
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

/// A WABA and whether the token's granular scopes name it. If they do not, it must be readable with the token.
struct GrantedWaba {
    id: WabaId,
    named_in_token: bool,
}

fn not_granted() -> CallbackError {
    CallbackError::Refused {
        code: "waba_not_granted",
        reason: "The WhatsApp Business Account was not shared with us in this sign-up".to_owned(),
    }
}

/// The number that was signed up, or the numbers to choose from.
fn proven(signup: Signup, mut numbers: Vec<PhoneNumber>, session: Option<&Session>) -> Result<Event, CallbackError> {
    if let Some(claimed) = session.and_then(|session| session.phone_number_id.as_ref()) {
        let number = numbers.into_iter().find(|number| number.id == *claimed).ok_or(CallbackError::Refused {
            code: "number_not_in_waba",
            reason: "The phone number is not one of the WhatsApp Business Account's".to_owned(),
        })?;
        return Ok(Event::SignupProven { signup: Signup { number: Some(number), ..signup } });
    }
    match numbers.len() {
        0 => Err(CallbackError::NoNumber),
        1 => Ok(Event::SignupProven { signup: Signup { number: numbers.pop(), ..signup } }),
        _ => Ok(Event::NumbersFound { signup, numbers }),
    }
}

fn known_code(onboarding: &Onboarding, code_sha256: &str) -> bool {
    onboarding.signup.as_ref().and_then(|signup| signup.code_sha256.as_deref()) == Some(code_sha256)
}
