//! Asks the Hub whether it is well, with a read that belongs to nobody.

use std::time::Instant;

use partner_hub::{HubError, Trouble};

use crate::runner::{HubContext, StepError, Ticket};

/// Asks once.
///
/// # Errors
/// A sentence, if the answer could not be noted. The dispatcher asks again.
pub(crate) async fn run(context: &HubContext, ticket: &Ticket) -> Result<(), String> {
    let started = Instant::now();
    let answer = context.call(ticket, async |credentials| context.hub.ping(credentials).await).await;
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
