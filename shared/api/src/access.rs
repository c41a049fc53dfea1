//! Who may see an onboarding: the partner's server with the back-end token, the customer with the setup token.

use exchange::Clock;
use lambda_http::Request;
use onboarding::{FormerLink, Onboarding, OnboardingId, Status};
use secrecy::SecretString;
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
/// 401 without a token; 404 for an unknown onboarding and for a wrong token alike; 410 for a setup token that has run out, was
/// replaced or was taken back.
pub async fn open(
    request: &Request,
    id: &OnboardingId,
    store: &Store,
    bundle: &dyn Secret<BundleSecret>,
    clock: &Clock,
) -> Result<(Stored, Access), Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let stored = store.get(id).await?;
    match Link::of(&token, &stored.onboarding) {
        Some(Link::Present) => {
            // Who chooses a number has come from the popup.
            let chooses = stored.onboarding.signup_status() == Status::NumberChoice;
            require_open_link(&stored, store, clock, chooses).await?;
            return Ok((stored, Access::Setup));
        }
        Some(Link::Former(former)) => return Err(replaced(&stored.onboarding, former)),
        None => {}
    }
    match require_back_end(request, bundle).await {
        Ok(()) => Ok((stored, Access::BackEnd)),
        Err(problem) if problem.code == ProblemCode::Unauthorized => Err(Problem::not_found()),
        Err(problem) => Err(problem),
    }
}

/// The setup link that a token is of.
enum Link<'a> {
    Present,
    Former(&'a FormerLink),
}

impl<'a> Link<'a> {
    fn of(token: &SecretString, onboarding: &'a Onboarding) -> Option<Self> {
        if auth::is_token_of(token, &onboarding.setup_token_sha256) {
            return Some(Self::Present);
        }
        let former = onboarding.former_links.iter().find(|former| auth::is_token_of(token, &former.token_sha256));
        former.map(Self::Former)
    }
}

/// Lets only a link pass that opens the onboarding still. `from_popup`: also after the link's end, while the popup is open that
/// was opened before it.
async fn require_open_link(stored: &Stored, store: &Store, clock: &Clock, from_popup: bool) -> Result<(), Problem> {
    let onboarding = &stored.onboarding;
    if onboarding.link_revoked_at.is_some() {
        return Err(Problem::link_revoked());
    }
    if clock.now() < onboarding.link_shows_until() {
        return Ok(());
    }
    let is_open = from_popup && store.popup(&onboarding.id).await?.is_open(clock.now());
    if is_open { Ok(()) } else { Err(Problem::link_expired(renew_url(onboarding))) }
}

/// What an earlier link is answered.
fn replaced(onboarding: &Onboarding, former: &FormerLink) -> Problem {
    if former.revoked { Problem::link_revoked() } else { Problem::link_renewed(renew_url(onboarding)) }
}

/// Where the customer can ask for a new link. It names the onboarding, and nothing else of it.
fn renew_url(onboarding: &Onboarding) -> Option<String> {
    let url = onboarding.renew_url.as_deref()?;
    super::view::with_query(url, &[("onboarding", onboarding.id.as_str())])
}

/// How what comes back from the popup came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromPopup {
    /// By the present link.
    Present,
    /// By one that was replaced less than a day ago and opened a popup: only a code is taken from it.
    CodeOnly,
}

/// Opens an onboarding with its setup token for what comes back from the popup: also after the link's end, while the popup is
/// open that was opened before it, and by a link that was replaced meanwhile.
///
/// # Errors
/// As [`open`].
pub async fn open_from_popup(
    request: &Request,
    id: &OnboardingId,
    store: &Store,
    clock: &Clock,
) -> Result<(Stored, FromPopup), Problem> {
    let token = bearer(request).ok_or_else(Problem::unauthorized)?;
    let stored = store.get(id).await?;
    match Link::of(&token, &stored.onboarding) {
        Some(Link::Present) => {
            require_open_link(&stored, store, clock, true).await?;
            Ok((stored, FromPopup::Present))
        }
        Some(Link::Former(former)) => {
            let opened =
                former.hands_over(clock.now()) && store.popup(id).await?.opened_by.contains(&former.token_sha256);
            if opened { Ok((stored, FromPopup::CodeOnly)) } else { Err(replaced(&stored.onboarding, former)) }
        }
        None => Err(Problem::not_found()),
    }
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
