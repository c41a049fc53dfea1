//! Step 1: find the customer's client account at the Hub, or create it.
//!
//! The Hub may create an account and still answer 429 or 500, or create it after we gave up waiting, and its e-mail filter
//! is not reliable. So the account is looked up first, and after any creation that did not end with an id it is looked up
//! again, soon and then once more before another creation is asked for. Every answer is recorded before the next call, so
//! that an interruption repeats no call. Of several onboardings with the same e-mail address, one searches and the others
//! wait for what it finds.

use onboarding::call_limit::{Priority, Slot};
use onboarding::{ClientDetails, ClientSearch, Event, FailureCode, Step};
use partner_hub::{HubCredentials, HubError};
use queue::Task;
use store::{ClientSearchClaim, Stored};
use time::Duration;

use crate::runner::{FailedStep, HubContext, StepError, StepRunner};

/// How soon to look whether another onboarding has found the account.
const SEARCHED_ELSEWHERE: Duration = Duration::seconds(15);
/// How long after it was asked for an account may appear in the Hub's list. Only a search from then on shows that it was not
/// created.
const APPEARS_WITHIN: Duration = Duration::minutes(2);

/// The worker of step 1.
#[derive(Clone)]
pub struct ClientAccount {
    /// What the step is given.
    pub context: HubContext,
}

impl ClientAccount {
    /// Handles one message.
    ///
    /// # Errors
    /// A sentence, if the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), String> {
        let Task::Onboarding { onboarding_id, slot } = task else {
            return Err("not a task for this step".to_owned());
        };
        StepRunner { context: &self.context, step: Step::ClientAccount }
            .run(&onboarding_id, slot, |stored, mut slot| async move {
                run(&self.context, stored, Priority::ClientAccount, &mut slot).await
            })
            .await
    }
}

/// Runs the step until the client account is known.
pub(crate) async fn run(
    context: &HubContext,
    stored: Stored,
    priority: Priority,
    slot: &mut Option<Slot>,
) -> Result<Stored, FailedStep> {
    find_or_create(context, stored, priority, slot).await.map_err(|stop| stop.at(Step::ClientAccount))
}

async fn find_or_create(
    context: &HubContext,
    mut stored: Stored,
    priority: Priority,
    slot: &mut Option<Slot>,
) -> Result<Stored, StepError> {
    loop {
        let onboarding::ClientAccount::Wanted { details, search } = stored.onboarding.client.clone() else {
            return Ok(stored);
        };
        if stored.onboarding.status.is_at_rest() {
            return Ok(stored);
        }
        let id = &stored.onboarding.id;
        match context.store.claim_client_search(&details.email, id).await? {
            ClientSearchClaim::Ours { asked_at } => {
                let sure_from = asked_at.map(|at| at + APPEARS_WITHIN);
                if let (ClientSearch::Absent { at }, Some(sure_from)) = (search, sure_from)
                    && at.is_none_or(|at| at < sure_from)
                {
                    let again = Event::ClientSearched { search: ClientSearch::Open };
                    stored = context.apply(&stored.onboarding, &again).await?;
                    let left = sure_from - context.clock.now();
                    if left.is_positive() {
                        let reason = "an account was asked for, and may still appear".to_owned();
                        return Err(StepError::Retry { reason, after: Some(left) });
                    }
                    continue;
                }
            }
            ClientSearchClaim::Found(client_id) => {
                stored = context.apply(&stored.onboarding, &Event::ClientFound { client_id, created: false }).await?;
                continue;
            }
            ClientSearchClaim::Theirs { until } => {
                let soon = context.clock.now() + SEARCHED_ELSEWHERE;
                return Err(StepError::Wait { until: until.min(soon), slot: slot.take() });
            }
        }
        let credentials = context.credentials().await?;
        context.acquire_call(priority, slot).await?;
        let event = match search {
            ClientSearch::Absent { .. } => {
                // Before the call: whatever becomes of it, the next try starts with a new search.
                context.store.client_asked_for(&details.email, Some(context.clock.now())).await?;
                context.apply(&stored.onboarding, &Event::ClientSearched { search: ClientSearch::Open }).await?;
                match context.hub.create_client(&credentials, hub_details(&details)).await {
                    Ok(client_id) => Event::ClientFound { client_id, created: true },
                    Err(error) => {
                        if !error.is_unclear() {
                            context.store.client_asked_for(&details.email, None).await?;
                        }
                        return Err(refused(error));
                    }
                }
            }
            so_far => search_on(context, &credentials, &details, so_far).await?,
        };
        if let Event::ClientFound { client_id, .. } = &event {
            context.store.tell_client_found(&details.email, client_id).await?;
        }
        stored = context.apply(&stored.onboarding, &event).await?;
    }
}

/// Reads one page more. The newest accounts come first and without the filter: one that was just created is among them, and
/// few partners have more than fit on a page. Older ones are left to the filter, if one is set.
async fn search_on(
    context: &HubContext,
    credentials: &HubCredentials,
    details: &ClientDetails,
    so_far: ClientSearch,
) -> Result<Event, StepError> {
    let page = match so_far {
        ClientSearch::Filtering { offset } => context.hub.clients_filtered(credentials, &details.email, offset).await?,
        ClientSearch::Reading { offset } => context.hub.clients_page(credentials, offset).await?,
        ClientSearch::Open | ClientSearch::Absent { .. } => context.hub.clients_page(credentials, 0).await?,
    };
    if let Some(client_id) = page.find_by_email(&details.email) {
        return Ok(Event::ClientFound { client_id: client_id.clone(), created: false });
    }
    let search = match (so_far, page.next_offset) {
        (_, None) => ClientSearch::Absent { at: Some(context.clock.now()) },
        (ClientSearch::Filtering { .. }, Some(offset)) => ClientSearch::Filtering { offset },
        (ClientSearch::Open, Some(_)) if context.hub.filters_clients() => ClientSearch::Filtering { offset: 0 },
        (_, Some(offset)) => ClientSearch::Reading { offset },
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
