//! Client accounts at the Hub that have the e-mail address of one of ours: the Hub creates a second one if a creation is
//! repeated, or if another system of the partner creates it too. Which of the two is kept is the partner's decision, so
//! that nothing is changed here.

use exchange::Clock;
use partner_hub::Client;
use store::{Reported, Store, Stored};
use telemetry::Metric;

use crate::runner::StepError;

/// Tells the partner, once in a while, of each of these client accounts that has the e-mail address of one of ours. What says
/// that an account is ours is renewed while an onboarding has it.
pub(super) async fn tell_all(store: &Store, clock: &Clock, clients: &[Client]) -> Result<(), StepError> {
    let known = store.known_clients(clients.iter().flat_map(|client| &client.emails).map(String::as_str)).await?;
    for Client { id, emails } in clients {
        for email in emails {
            let Some(ours) = known.get(&exchange::folded_email(email)) else { continue };
            let is_news = if ours.id == *id { ours.is_ending(clock.now()) } else { true };
            // The partner may have named another account since.
            let has_it = |stored: &Stored| stored.onboarding.erased_at.is_none();
            if !is_news || !store.by_client(&ours.id).await?.iter().any(has_it) {
                continue;
            }
            if ours.id == *id {
                store.keep_client(email, id).await?;
            } else if store.first_report(Reported::Client(id), Metric::ClientDuplicate.as_str(), None).await? {
                let duplicate_of = &ours.id;
                tracing::warn!(client_id = %id, %duplicate_of, "two client accounts have the same e-mail address");
                telemetry::count(Metric::ClientDuplicate, 1);
            }
        }
    }
    Ok(())
}
