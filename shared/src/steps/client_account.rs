//! Step 1: find the customer's client account at the Hub, or create it.
//!
//! The Hub may create an account and still answer 429 or 500, and its e-mail filter is not reliable. So the account is
//! looked up first, page by page, and after any creation that did not end with an id it is looked up again. Every
//! answer is recorded before the next call, so that an interruption repeats no call. Of several onboardings with the
//! same e-mail address, one searches and the others wait for what it finds.

use time::Duration;

use super::hub_work::HubWork;
use super::stop::{Halt, Stop};
use crate::hub::HubError;
use crate::hub::limit::{Priority, Slot};
use crate::onboarding::{ClientAccount, ClientDetails, ClientSearch, Event, Step};
use crate::store::{ClientSearchClaim, Stored};

/// How soon to look whether another onboarding has found the account.
const SEARCHED_ELSEWHERE: Duration = Duration::seconds(15);

/// Runs the step until the client account is known.
pub(super) async fn run(
    work: &HubWork,
    stored: Stored,
    priority: Priority,
    slot: &mut Option<Slot>,
) -> Result<Stored, Halt> {
    find_or_create(work, stored, priority, slot).await.map_err(|stop| stop.at(Step::ClientAccount))
}

async fn find_or_create(
    work: &HubWork,
    mut stored: Stored,
    priority: Priority,
    slot: &mut Option<Slot>,
) -> Result<Stored, Stop> {
    loop {
        let ClientAccount::Wanted { details, search } = stored.onboarding.client.clone() else { return Ok(stored) };
        if stored.onboarding.status.is_at_rest() {
            return Ok(stored);
        }
        let id = &stored.onboarding.id;
        match work.store.claim_client_search(&details.email, id).await? {
            ClientSearchClaim::Ours => {}
            ClientSearchClaim::Found(client_id) => {
                stored = work.apply(&stored.onboarding, &Event::ClientFound { client_id, created: false }).await?;
                continue;
            }
            ClientSearchClaim::Theirs { until } => {
                let soon = work.clock.now() + SEARCHED_ELSEWHERE;
                return Err(Stop::Wait { until: until.min(soon), slot: slot.take() });
            }
        }
        let credentials = work.credentials().await?;
        work.turn(priority, slot).await?;
        let event = match search {
            ClientSearch::Open => search_from(work, &credentials, &details, 0).await?,
            ClientSearch::Reading { offset } => search_from(work, &credentials, &details, offset).await?,
            ClientSearch::Absent => {
                // Before the call: whatever becomes of it, the next try starts with a new search.
                work.apply(&stored.onboarding, &Event::ClientSearched { search: ClientSearch::Open }).await?;
                let client_id = work.hub.create_client(&credentials, &details).await.map_err(refused)?;
                Event::ClientFound { client_id, created: true }
            }
        };
        if let Event::ClientFound { client_id, .. } = &event {
            work.store.tell_client_found(&details.email, client_id).await?;
        }
        stored = work.apply(&stored.onboarding, &event).await?;
    }
}

async fn search_from(
    work: &HubWork,
    credentials: &crate::hub::HubCredentials,
    details: &ClientDetails,
    offset: u32,
) -> Result<Event, Stop> {
    let page = work.hub.clients_page(credentials, &details.email, offset).await?;
    Ok(match (page.find_by_email(&details.email), page.next_offset) {
        (Some(client_id), _) => Event::ClientFound { client_id: client_id.clone(), created: false },
        (None, Some(offset)) => Event::ClientSearched { search: ClientSearch::Reading { offset } },
        (None, None) => Event::ClientSearched { search: ClientSearch::Absent },
    })
}

fn refused(error: HubError) -> Stop {
    match error {
        HubError::Permanent { status, reason } => Stop::Fail {
            code: "client_refused",
            detail: format!("The Hub refused to create the client account ({status}): {reason}"),
            retryable: true,
        },
        other => other.into(),
    }
}
