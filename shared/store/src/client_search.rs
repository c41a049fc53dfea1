//! Who searches for a client account. Client accounts are told apart by their e-mail address, and creating one is not
//! idempotent at the Hub: of several onboardings with the same address, only one searches and creates.

use aws_sdk_dynamodb::types::ReturnValue;
use onboarding::limiter::{from_milliseconds, milliseconds};
use onboarding::{ClientId, OnboardingId};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Key, n, s};
use super::{Store, StoreError};

/// Longer than a message waits for a permit to call the Hub. The searcher then works again and renews the claim.
const CLAIM: Duration = Duration::minutes(20);
/// How long an answer counts. Later the Hub lists the account, and may have lost it.
const ANSWER: Duration = Duration::hours(24);

/// What is known of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientSearchClaim {
    /// The search is ours, for the next 20 minutes.
    Ours {
        /// When somebody last asked the Hub to create the account, if what came of it is not known.
        asked_at: Option<OffsetDateTime>,
    },
    /// Another onboarding searches.
    Theirs {
        /// When its claim runs out.
        until: OffsetDateTime,
    },
    /// Another onboarding has found or created the account within the last day.
    Found(ClientId),
}

#[derive(Serialize, Deserialize)]
struct SearchItem {
    claimed_until: i64,
    /// Not `client_id`, which would put the item into the index of onboardings by client account.
    #[serde(default)]
    found_id: Option<ClientId>,
    #[serde(default)]
    asked_at: Option<i64>,
}

impl Store {
    /// Takes, or renews, the search for the client account with this e-mail address.
    pub async fn claim_client_search(&self, email: &str, id: &OnboardingId) -> Result<ClientSearchClaim, StoreError> {
        let now = self.clock.now();
        let request = self
            .client
            .update_item()
            .set_key(Some(search_key(email).attributes()))
            .return_values(ReturnValue::AllNew)
            .update_expression(
                "SET v = :v, onboarding_id = :id, claimed_until = :until, expires_at = :expires_at REMOVE found_id",
            )
            .condition_expression(
                "attribute_not_exists(pk) OR expires_at <= :second \
                 OR (attribute_not_exists(found_id) AND (onboarding_id = :id OR claimed_until <= :now))",
            )
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":id", s(id.as_str()))
            .expression_attribute_values(":until", n(milliseconds(now + CLAIM)))
            .expression_attribute_values(":expires_at", n((now + ANSWER).unix_timestamp()))
            .expression_attribute_values(":second", n(now.unix_timestamp()))
            .expression_attribute_values(":now", n(milliseconds(now)));
        match self.update(request).await? {
            Updated::Done(claimed) => {
                let SearchItem { asked_at, .. } = item::read(claimed)?;
                Ok(ClientSearchClaim::Ours { asked_at: asked_at.map(from_milliseconds) })
            }
            Updated::Refused(None) => Err(StoreError::Busy),
            Updated::Refused(Some(found)) => {
                let SearchItem { claimed_until, found_id, .. } = item::read(found)?;
                Ok(match found_id {
                    Some(client_id) => ClientSearchClaim::Found(client_id),
                    None => ClientSearchClaim::Theirs { until: from_milliseconds(claimed_until) },
                })
            }
        }
    }

    /// What others have found of the client account with this e-mail address, or that they search; `None` if it is this
    /// onboarding's to search. Changes nothing.
    pub async fn client_search_of_others(
        &self,
        email: &str,
        id: &OnboardingId,
    ) -> Result<Option<ClientSearchClaim>, StoreError> {
        let Some(found) = self.read_item(search_key(email)).await? else { return Ok(None) };
        let now = self.clock.now();
        let expired = item::number(&found, "expires_at").is_some_and(|at| at <= now.unix_timestamp());
        let own = item::text(&found, "onboarding_id") == Some(id.as_str());
        let SearchItem { claimed_until, found_id, .. } = item::read(found)?;
        Ok(match found_id {
            _ if expired => None,
            Some(client_id) => Some(ClientSearchClaim::Found(client_id)),
            None if own || claimed_until <= milliseconds(now) => None,
            None => Some(ClientSearchClaim::Theirs { until: from_milliseconds(claimed_until) }),
        })
    }

    /// Notes that the Hub is asked to create the account now, before it is asked; or, without a time, that it has not.
    ///
    /// # Errors
    /// [`StoreError::Busy`], if the search is gone in which that would be noted: then the Hub must not be asked.
    pub async fn client_asked_for(&self, email: &str, at: Option<OffsetDateTime>) -> Result<(), StoreError> {
        let request = self.client.update_item().set_key(Some(search_key(email).attributes()));
        let request = request.condition_expression("attribute_exists(pk)");
        let request = match at {
            Some(at) => {
                request.update_expression("SET asked_at = :at").expression_attribute_values(":at", n(milliseconds(at)))
            }
            None => request.update_expression("REMOVE asked_at"),
        };
        match self.update(request).await? {
            Updated::Refused(_) if at.is_some() => Err(StoreError::Busy),
            Updated::Refused(_) | Updated::Done(_) => Ok(()),
        }
    }

    /// Keeps which client account has this e-mail address, and tells the other onboardings with it. Nothing is unclear any
    /// more.
    pub async fn tell_client_found(&self, email: &str, client_id: &ClientId) -> Result<(), StoreError> {
        // First: an interruption leaves the search open, and both are done again.
        self.keep_client(email, client_id).await?;
        let request = self
            .client
            .update_item()
            .set_key(Some(search_key(email).attributes()))
            .update_expression("SET found_id = :client_id REMOVE asked_at")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":client_id", s(client_id.as_str()));
        self.update(request).await.map(drop)
    }
}

fn search_key(email: &str) -> Key {
    Key::search(&exchange::sha256_hex(exchange::folded_email(email)))
}
