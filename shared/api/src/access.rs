//! Who may see an onboarding: the partner's server with the back-end token, the customer with the setup token.

use exchange::Clock;
use lambda_http::Request;
use onboarding::{Onboarding, OnboardingId, Status};
use secrets::{BundleSecret, Secret, SecretError};
use store::{Store, StoreError, Stored};

use super::{Problem, ProblemCode, auth, bearer};

/// Which of the two tokens was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The partner's server.
    BackEnd,
    /// The customer, through a setup link.
    Setup,
}

/// Opens an onboarding with either token.
///
/// # Errors
/// 401 without a token; 404 for an unknown onboarding and for a wrong token alike; 410 for a setup token that has run out.
pub async fn open(
    request: &Request,
    id: &OnboardingId,
    store: &Store,
    bundle: &dyn Secret<BundleSecret>,
    clock: &Clock,
) -> Result<(Stored, Access), Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let stored = store.get(id).await?;
    if auth::is_token_of(&token, &stored.onboarding.setup_token_sha256) {
        // Who chooses a number has come from the popup.
        let chooses = stored.onboarding.signup_status() == Status::NumberChoice;
        let is_open = link_is_open(&stored, store, clock, chooses).await?;
        return if is_open { Ok((stored, Access::Setup)) } else { Err(Problem::link_expired()) };
    }
    match require_back_end(request, bundle).await {
        Ok(()) => Ok((stored, Access::BackEnd)),
        Err(problem) if problem.code == ProblemCode::Unauthorized => Err(Problem::not_found()),
        Err(problem) => Err(problem),
    }
}

/// Whether the setup token opens the onboarding still. `from_popup`: also after the link's end, while the popup is open that was
/// opened before it.
async fn link_is_open(stored: &Stored, store: &Store, clock: &Clock, from_popup: bool) -> Result<bool, Problem> {
    let onboarding = &stored.onboarding;
    if clock.now() < onboarding.link_shows_until() {
        return Ok(true);
    }
    Ok(from_popup && store.popup(&onboarding.id).await?.is_open(clock.now()))
}

/// Opens an onboarding with its setup token for what comes back from the popup: also after the link's end, while the popup is
/// open that was opened before it.
///
/// # Errors
/// As [`open`].
pub async fn open_from_popup(
    request: &Request,
    id: &OnboardingId,
    store: &Store,
    clock: &Clock,
) -> Result<Stored, Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let stored = store.get(id).await?;
    if !auth::is_token_of(&token, &stored.onboarding.setup_token_sha256) {
        return Err(Problem::not_found());
    }
    if link_is_open(&stored, store, clock, true).await? { Ok(stored) } else { Err(Problem::link_expired()) }
}

/// Whether one more click completes the signup: the customer finished at Meta, and no code of it has reached us.
///
/// # Errors
/// 503, if the table is out of reach.
pub async fn is_one_more_click(onboarding: &Onboarding, store: &Store) -> Result<bool, Problem> {
    Ok(onboarding.status == Status::Started && store.popup(&onboarding.id).await?.finished_at.is_some())
}

/// Opens an onboarding with its setup token only.
///
/// # Errors
/// As [`open`].
pub async fn open_with_setup_token(
    request: &Request,
    id: &OnboardingId,
    store: &Store,
    bundle: &dyn Secret<BundleSecret>,
    clock: &Clock,
) -> Result<Stored, Problem> {
    match open(request, id, store, bundle, clock).await? {
        (stored, Access::Setup) => Ok(stored),
        (_, Access::BackEnd) => Err(Problem::not_found()),
    }
}

/// Lets only the partner's server pass.
///
/// # Errors
/// 401, or 503 if the edge's secret is out of reach.
pub async fn require_back_end(request: &Request, bundle: &dyn Secret<BundleSecret>) -> Result<(), Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let fits = |secret: &BundleSecret| auth::is_backend_token(&token, &secret.backend_token);
    // The token may have been rotated since the secret was read.
    if fits(&*bundle.value().await?) || fits(&*bundle.refresh().await?) { Ok(()) } else { Err(Problem::unauthorized()) }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::NumberTaken => Self::number_taken(),
            StoreError::NotUnclaimed => Self::signup_unknown(),
            StoreError::Busy | StoreError::Unavailable(_) => Self::unavailable(5, error),
            other => Self::internal(other),
        }
    }
}

impl From<SecretError> for Problem {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Unavailable(_) => Self::unavailable(5, error),
            SecretError::Incomplete(_) => Self::internal(error),
        }
    }
}
