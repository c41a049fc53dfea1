//! Checks whether the first work of the line needs a permit at all.

use exchange::Clock;
use onboarding::{Class, ClientAccount, Event, Onboarding, Status};
use store::{ClientSearchClaim, Due, Store, StoreError, WorkState};
use time::Duration;

/// How soon to look again whether another onboarding has found the client account: as long as this one has waited, within
/// these.
const SEARCHED_ELSEWHERE: (Duration, Duration) = (Duration::seconds(30), Duration::minutes(5));

/// How soon an item is looked at again that cannot be read: by a later release, or once a person has mended it.
const UNREADABLE: Duration = Duration::hours(1);
/// How soon one is looked at again that contradicts another, or that others change all the time.
const CONTRADICTED: Duration = Duration::minutes(1);

/// The work as it stands, if a permit is to be given for it. Whatever the table can settle is settled.
pub(super) async fn admit(
    store: &Store,
    clock: &Clock,
    class: Class,
    due: &Due,
) -> Result<Option<WorkState>, StoreError> {
    match unless_broken(look(store, clock, class, due).await)? {
        Ok(admitted) => Ok(admitted),
        Err(wait) => {
            store.defer(due, class, clock.now() + wait).await?;
            Ok(None)
        }
    }
}

async fn look(store: &Store, clock: &Clock, class: Class, due: &Due) -> Result<Option<WorkState>, StoreError> {
    let state = store.work(&due.key).await?;
    let Some(state) = state.filter(|state| state.class == class && state.due_at == due.due_at) else { return Ok(None) };
    let now = clock.now();
    if let Some(until) = state.held_until.filter(|until| *until > now) {
        store.defer_held(due, class, until).await?;
        return Ok(None);
    }
    let Some(onboarding) = state.record.as_ref().map(|stored| &stored.onboarding) else { return Ok(Some(state)) };
    if matches!(onboarding.status, Status::Started | Status::NumberChoice) && onboarding.link_expires_at <= now {
        store.apply(&onboarding.id, &Event::LinkExpired).await?;
        return Ok(None);
    }
    match searched_elsewhere(store, onboarding).await? {
        None => Ok(Some(state)),
        Some(ClientSearchClaim::Found(client_id)) => {
            store.apply(&onboarding.id, &Event::ClientFound { client_id, created: false }).await?;
            Ok(None)
        }
        Some(_) => {
            let wait = (now - onboarding.work_since).clamp(SEARCHED_ELSEWHERE.0, SEARCHED_ELSEWHERE.1);
            store.defer(due, class, now + wait).await?;
            Ok(None)
        }
    }
}

/// How soon to look again, if an item stands in its own way: it must not keep the others from being moved. An error if the
/// table is out of reach.
pub(super) fn unless_broken<T>(found: Result<T, StoreError>) -> Result<Result<T, Duration>, StoreError> {
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(error @ StoreError::Unavailable(_)) => Err(error),
        Err(error @ StoreError::Unreadable { .. }) => {
            tracing::error!(%error, "a person has to look at this item");
            Ok(Err(UNREADABLE))
        }
        Err(error) => {
            tracing::warn!(%error, "an item is looked at again later");
            Ok(Err(CONTRADICTED))
        }
    }
}

/// What another onboarding with the same e-mail address has found, or that it searches.
async fn searched_elsewhere(store: &Store, onboarding: &Onboarding) -> Result<Option<ClientSearchClaim>, StoreError> {
    match &onboarding.client {
        ClientAccount::Wanted { details, .. } => store.client_search_of_others(&details.email, &onboarding.id).await,
        ClientAccount::Known { .. } => Ok(None),
    }
}
