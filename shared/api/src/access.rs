//! Who may see an onboarding: the partner's server with the back-end token, the customer with the setup token.

use exchange::Clock;
use lambda_http::Request;
use onboarding::OnboardingId;
use secrets::{Secrets, SecretsError};
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
    secrets: &dyn Secrets,
    clock: &Clock,
) -> Result<(Stored, Access), Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let stored = match store.get(id).await {
        Ok(stored) => stored,
        Err(StoreError::NotFound) => return Err(Problem::not_found()),
        Err(error) => return Err(error.into()),
    };
    if auth::is_token_of(&token, &stored.onboarding.setup_token_sha256) {
        let expired = clock.now() >= stored.onboarding.link_expires_at;
        return if expired { Err(Problem::link_expired()) } else { Ok((stored, Access::Setup)) };
    }
    match require_back_end(request, secrets).await {
        Ok(()) => Ok((stored, Access::BackEnd)),
        Err(problem) if problem.code == ProblemCode::Unauthorized => Err(Problem::not_found()),
        Err(problem) => Err(problem),
    }
}

/// Opens an onboarding with its setup token only.
///
/// # Errors
/// As [`open`].
pub async fn open_with_setup_token(
    request: &Request,
    id: &OnboardingId,
    store: &Store,
    secrets: &dyn Secrets,
    clock: &Clock,
) -> Result<Stored, Problem> {
    match open(request, id, store, secrets, clock).await? {
        (stored, Access::Setup) => Ok(stored),
        (_, Access::BackEnd) => Err(Problem::not_found()),
    }
}

/// Lets only the partner's server pass.
///
/// # Errors
/// 401, or 503 if the bundle's secret is out of reach.
pub async fn require_back_end(request: &Request, secrets: &dyn Secrets) -> Result<(), Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let fits = |bundle: &secrets::BundleSecret| auth::is_backend_token(&token, &bundle.backend_token);
    // The token may have been rotated since the secret was read.
    if fits(&*secrets.bundle().await?) || fits(&*secrets.refresh().await?) {
        Ok(())
    } else {
        Err(Problem::unauthorized())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::NumberTaken => Self::number_taken(),
            StoreError::Busy | StoreError::Unavailable(_) => Self::unavailable(5, error),
            other => Self::internal(other),
        }
    }
}

impl From<SecretsError> for Problem {
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Unavailable(_) => Self::unavailable(5, error),
            SecretsError::Incomplete(_) => Self::internal(error),
        }
    }
}
