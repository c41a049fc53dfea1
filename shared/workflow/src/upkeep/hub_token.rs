//! The token of the Hub, where our credentials are a user name and a password: one worker fetches it, with a permit as for
//! any call, and it lies sealed in the table for all.

use std::time::Instant;

use partner_hub::{Authorization, HubCredentials, HubError, HubToken};
use secrecy::SecretString;
use secrets::{SealError, SealKey};
use store::SealedToken;
use telemetry::Metric;
use time::Duration;

use crate::runner::{HubContext, PermittedWork, StepError};

const PURPOSE: &str = "the Hub's token";
/// How long to wait after the Hub refused user name and password: until an operator has seen to it, nothing else helps.
const REFUSED: Duration = Duration::minutes(5);
/// How long to wait after the Hub did not answer.
const UNANSWERED: Duration = Duration::seconds(15);

/// The token that lies in the table.
pub(crate) enum Kept {
    Usable(Authorization, SealedToken),
    /// It has ended, or it was sealed with another key or for another user, or there is none.
    Useless(Option<SealedToken>),
}

/// Reads the token of this user. `key`: the workers' secret's `hub_token_key`.
pub(crate) async fn kept(context: &HubContext, user_name: &str, key: &SecretString) -> Result<Kept, StepError> {
    let Some(token) = context.store.hub_token().await? else { return Ok(Kept::Useless(None)) };
    if context.clock.now() >= token.usable_until {
        return Ok(Kept::Useless(Some(token)));
    }
    let opened = match seal_key(key)?.open(&token.sealed, user_name) {
        Some(secret) => Some(secret),
        // The key may have been changed since it was read.
        None => seal_key(&context.secret.refresh().await?.hub_token_key)?.open(&token.sealed, user_name),
    };
    Ok(match opened {
        Some(secret) => Kept::Usable(Authorization::Bearer(secret), token),
        None => Kept::Useless(Some(token)),
    })
}

/// Keeps a token for this user. Returns what to call the Hub with.
pub(crate) async fn keep(
    context: &HubContext,
    (user_name, key): (&str, &SecretString),
    token: HubToken,
    permit: Option<&str>,
) -> Result<Authorization, StepError> {
    let sealed = seal_key(key)?.seal(&token.secret, user_name).map_err(unsealed)?;
    let kept = SealedToken { sealed, fetched_at: context.clock.now(), usable_until: token.usable_until };
    context.store.keep_hub_token(&kept, permit).await?;
    Ok(Authorization::Bearer(token.secret))
}

/// Fetches a token, before the old one ends or because somebody needs one.
///
/// # Errors
/// A sentence, if nothing could be recorded. The work is due again by itself.
pub(crate) async fn run(context: &HubContext, permitted: &PermittedWork) -> Result<(), String> {
    let started = Instant::now();
    let fetched = fetch(context, permitted).await;
    let outcome = fetched.as_ref().map_or_else(StepError::outcome, |()| "done");
    telemetry::step("token", outcome, started, fetched.as_ref().err().and_then(StepError::reason));
    match fetched {
        Ok(()) | Err(StepError::Void) => Ok(()),
        Err(stop) => Err(stop.reason().unwrap_or(stop.outcome()).to_owned()),
    }
}

async fn fetch(context: &HubContext, permitted: &PermittedWork) -> Result<(), StepError> {
    let secret = context.secret.value().await?;
    let HubCredentials::Password { user_name, password } = &secret.hub else {
        permitted.give_back(&context.store).await?;
        return Ok(context.store.drop_hub_token(&permitted.permit).await?);
    };
    let answer = context.fetch_token(permitted, user_name, password).await?;
    let wait = match answer {
        Ok(token) => {
            let user = (user_name.as_str(), &secret.hub_token_key);
            return keep(context, user, token, Some(&permitted.permit)).await.map(drop);
        }
        Err(HubError::Unauthorized) => {
            tracing::error!("the Hub refuses our user name and password; onboardings wait until they are corrected");
            telemetry::count(Metric::HubUnauthorized, 1);
            let _ = context.secret.refresh().await;
            REFUSED
        }
        Err(HubError::Retry { retry_after, .. }) => retry_after.unwrap_or(UNANSWERED),
        Err(_) => UNANSWERED,
    };
    let next_at = context.clock.now() + wait;
    Ok(context.store.due_next(&permitted.work, Some(&permitted.permit), permitted.class, next_at).await?)
}

fn seal_key(key: &SecretString) -> Result<SealKey, StepError> {
    SealKey::derive(key, PURPOSE).map_err(unsealed)
}

fn unsealed(error: SealError) -> StepError {
    StepError::Unavailable(error.to_string())
}
