//! Step 1: find the customer's client account at the Hub, or create it.
//!
//! The Hub may create an account and still answer 429 or 500, or create it after we gave up waiting, and its e-mail filter
//! is not reliable. So the account is looked up first, and after any creation that did not end with an id it is looked up
//! again, soon and then once more before another creation is asked for, each time without and with the filter. Every answer
//! is recorded before the next call, so that an interruption repeats no call. Of several onboardings with the same e-mail
//! address, one searches, and the dispatcher lets the others wait for what it finds.

use std::time::Instant;

use onboarding::{ClientDetails, ClientSearch, Event, FailureCode, Step};
use partner_hub::{Authorization, HubError};
use queue::{About, Task};
use store::{ClientSearchClaim, Stored, WorkKey};
use time::{Duration, OffsetDateTime};

use crate::runner::{FailedStep, HubContext, PermittedWork, StepError, StepRunner};

/// How long after it was asked for an account may appear in the Hub's list. Two searches show that it was not created: one
/// from the first time on, and one from the second.
const APPEARS_WITHIN: [Duration; 2] = [Duration::minutes(2), Duration::minutes(15)];
/// How long a search that found nothing counts.
const SEARCH_COUNTS: Duration = Duration::hours(12);

/// The worker of step 1.
#[derive(Clone)]
pub struct ClientAccount {
    /// What the step is given.
    pub context: HubContext,
}

impl ClientAccount {
    /// Handles one message. No call is begun that could outlast `deadline`.
    ///
    /// # Errors
    /// A sentence, if nothing could be recorded. The work is due again by itself.
    pub async fn handle(&self, task: Task, deadline: Option<Instant>) -> Result<(), String> {
        let About::Onboarding { onboarding_id } = &task.about else {
            return Err("not a task for this step".to_owned());
        };
        let permitted = PermittedWork::new(WorkKey::Onboarding(onboarding_id.clone()), &task, deadline);
        StepRunner { context: &self.context, step: Step::ClientAccount }
            .run(onboarding_id, &permitted, |stored| run(&self.context, &permitted, stored))
            .await
    }
}

/// Makes the next call of the step, unless the client account is known.
pub(crate) async fn run(context: &HubContext, permitted: &PermittedWork, stored: Stored) -> Result<Stored, FailedStep> {
    find_or_create(context, permitted, stored).await.map_err(|stop| stop.at(Step::ClientAccount))
}

async fn find_or_create(context: &HubContext, permitted: &PermittedWork, stored: Stored) -> Result<Stored, StepError> {
    let onboarding::ClientAccount::Wanted { details, search } = stored.onboarding.client.clone() else {
        return Err(StepError::NothingToDo);
    };
    if stored.onboarding.status.is_at_rest() {
        return Err(StepError::NothingToDo);
    }
    let (so_far, unclear) = match context.store.claim_client_search(&details.email, &stored.onboarding.id).await? {
        ClientSearchClaim::Ours { asked_at } => {
            let now = context.clock.now();
            let so_far = match search {
                ClientSearch::Absent { at } if at.is_none_or(|at| at < now - SEARCH_COUNTS) => ClientSearch::Open,
                ClientSearch::Absent { at } => match next_search(asked_at, at) {
                    // An account was asked for after the last search, and nobody knows what came of it.
                    Some(from) if now < from => {
                        permitted.give_back(&context.store).await?;
                        let reason = "an account was asked for, and may still appear".to_owned();
                        return Err(StepError::Retry { reason, after: Some(from - now) });
                    }
                    Some(_) => ClientSearch::Open,
                    None => search,
                },
                // An account was asked for since the search began.
                ClientSearch::Reading { began_at, .. } | ClientSearch::Filtering { began_at, .. }
                    if began_at < asked_at =>
                {
                    ClientSearch::Open
                }
                so_far => so_far,
            };
            (so_far, asked_at.is_some())
        }
        ClientSearchClaim::Found(client_id) => {
            permitted.give_back(&context.store).await?;
            return context.record(permitted, stored, &Event::ClientFound { client_id, created: false }).await;
        }
        // The dispatcher had seen nobody search. It looks again.
        ClientSearchClaim::Theirs { .. } => return Err(StepError::NothingToDo),
    };
    let event = match so_far {
        ClientSearch::Absent { .. } => create(context, permitted, &details).await?,
        so_far => {
            context
                .call(permitted, async |authorization| {
                    search_on(context, authorization, &details, so_far, unclear).await
                })
                .await??
        }
    };
    if let Event::ClientFound { client_id, .. } = &event {
        context.store.tell_client_found(&details.email, client_id).await?;
    }
    context.record(permitted, stored, &event).await
}

/// From when on the next search may be made that has to come before another creation; `None` if none has to.
/// `absent_at`: when the last one began that found nothing.
fn next_search(asked_at: Option<OffsetDateTime>, absent_at: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    let asked_at = asked_at?;
    APPEARS_WITHIN.into_iter().map(|within| asked_at + within).find(|from| absent_at.is_none_or(|at| at < *from))
}

/// Creates the account. That it is asked for is noted before the call: whatever becomes of it, a new search comes first then.
async fn create(context: &HubContext, permitted: &PermittedWork, details: &ClientDetails) -> Result<Event, StepError> {
    let asked = async || Ok(context.store.client_asked_for(&details.email, Some(context.clock.now())).await?);
    let created = context.call_noted(permitted, asked, async |authorization| {
        context.hub.create_client(authorization, hub_details(details)).await
    });
    match created.await? {
        Ok(client_id) => Ok(Event::ClientFound { client_id, created: true }),
        Err(error) => {
            if !error.is_unclear() {
                context.store.client_asked_for(&details.email, None).await?;
            }
            Err(refused(error))
        }
    }
}

/// Reads one page more. The newest accounts come first and without the filter: one that was just created is among them, and
/// few partners have more than fit on a page. Older ones are left to the filter, if one is set. While a creation is
/// `unclear`, the filter is asked too, because an account may appear in one list before the other.
async fn search_on(
    context: &HubContext,
    authorization: &Authorization,
    details: &ClientDetails,
    so_far: ClientSearch,
    unclear: bool,
) -> Result<Event, HubError> {
    let began_at = match so_far {
        ClientSearch::Reading { began_at, .. } | ClientSearch::Filtering { began_at, .. } => began_at,
        ClientSearch::Open | ClientSearch::Absent { .. } => Some(context.clock.now()),
    };
    let page = match so_far {
        ClientSearch::Filtering { offset, .. } => {
            context.hub.clients_filtered(authorization, &details.email, offset).await?
        }
        ClientSearch::Reading { offset, .. } => context.hub.clients_page(authorization, offset).await?,
        ClientSearch::Open | ClientSearch::Absent { .. } => context.hub.clients_page(authorization, 0).await?,
    };
    if let Some(client_id) = page.find_by_email(&details.email) {
        return Ok(Event::ClientFound { client_id: client_id.clone(), created: false });
    }
    let search = match (so_far, page.next_offset) {
        (ClientSearch::Open, next) if context.hub.filters_clients() && (unclear || next.is_some()) => {
            ClientSearch::Filtering { offset: 0, began_at }
        }
        (_, None) => ClientSearch::Absent { at: began_at },
        (ClientSearch::Filtering { .. }, Some(offset)) => ClientSearch::Filtering { offset, began_at },
        (_, Some(offset)) => ClientSearch::Reading { offset, began_at },
    };
    Ok(Event::ClientSearched { search })
}

fn hub_details(details: &ClientDetails) -> partner_hub::ClientDetails<'_> {
    let ClientDetails { name, email, user_name } = details;
    partner_hub::ClientDetails { name, email, user_name }
}

fn refused(error: HubError) -> StepError {
    match error {
        HubError::Permanent { status, reason } => StepError::Fail {
            code: FailureCode::ClientRefused,
            detail: format!("The Hub refused to create the client account ({status}): {reason}"),
            retryable: true,
        },
        other => other.into(),
    }
}
