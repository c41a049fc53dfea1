//! Asks the Hub whether it is well, with a read that belongs to nobody.

use std::time::Instant;

use partner_hub::{HubCredentials, HubError, Trouble};

use super::hub_token::{self, Kept};
use crate::runner::{HubContext, PermittedWork, StepError};

/// Asks once.
///
/// # Errors
/// A sentence, if the answer could not be noted. The dispatcher asks again.
pub(crate) async fn run(context: &HubContext, permitted: &PermittedWork) -> Result<(), String> {
    let started = Instant::now();
    let answer = ask(context, permitted).await;
    match answer {
        Ok(answer) => {
            // Whatever the Hub says in its own words shows that it is there, and that it wants a pause is noted elsewhere.
            let well = match answer {
                Err(HubError::Retry { trouble, .. }) => trouble == Trouble::TooMany,
                _ => true,
            };
            telemetry::step("probe", if well { "done" } else { "delayed" }, started, None);
            context.store.hub_probed(well).await.map_err(|error| error.to_string())
        }
        Err(StepError::Void) => {
            telemetry::step("probe", "void", started, None);
            Ok(())
        }
        Err(stop) => {
            telemetry::step("probe", stop.outcome(), started, stop.reason());
            Err(stop.outcome().to_owned())
        }
    }
}

/// The read, or the call for a token where there is none to read with: it would not be fetched before the Hub is well.
async fn ask(context: &HubContext, permitted: &PermittedWork) -> Result<Result<(), HubError>, StepError> {
    let secret = context.secret.value().await?;
    if let HubCredentials::Password { user_name, password } = &secret.hub
        && let Kept::Useless(_) = hub_token::kept(context, user_name, &secret.hub_token_key).await?
    {
        return Ok(match context.fetch_token(permitted, user_name, password).await? {
            Ok(token) => {
                hub_token::keep(context, (user_name, &secret.hub_token_key), token, None).await?;
                Ok(())
            }
            Err(error) => Err(error),
        });
    }
    context.call(permitted, async |authorization| context.hub.ping(authorization).await).await
}
