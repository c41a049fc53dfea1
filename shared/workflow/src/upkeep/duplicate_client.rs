//! Client accounts at the Hub that have the e-mail address of one of ours: the Hub creates a second one if a creation is
//! repeated, or if another system of the partner creates it too. Which of the two is kept is the partner's decision, so
//! that nothing is changed here.

use partner_hub::Client;
use store::{Reported, Store};
use telemetry::Metric;

use crate::runner::StepError;

/// Tells the partner, once in a while, of each of these client accounts that has the e-mail address of one of ours.
pub(super) async fn tell_all(store: &Store, clients: &[Client]) -> Result<(), StepError> {
    let known = store.known_clients(clients.iter().flat_map(|client| &client.emails).map(String::as_str)).await?;
    for Client { id, emails } in clients {
        let of_email = |email: &String| known.get(&exchange::folded_email(email));
        let Some(ours) = emails.iter().filter_map(of_email).find(|ours| *ours != id) else { continue };
        // The partner may have named another account since.
        if store.by_client(ours).await?.is_empty() {
            continue;
        }
        if store.first_report(Reported::Client(id), Metric::ClientDuplicate.as_str()).await? {
            tracing::warn!(client_id = %id, duplicate_of = %ours, "two client accounts have the same e-mail address");
            telemetry::count(Metric::ClientDuplicate, 1);
        }
    }
    Ok(())
}
