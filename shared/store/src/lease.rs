//! Leases: two workers never act on one onboarding at once, and a dead one blocks nobody for long.

use aws_sdk_dynamodb::types::ReturnValue;
use onboarding::OnboardingId;
use onboarding::call_limit::{Priority, Slot};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Key, milliseconds, n, s};
use super::{Store, StoreError, Stored, record};

/// The right to act on one onboarding, until it is given back or runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    onboarding_id: OnboardingId,
    owner: String,
    until: OffsetDateTime,
    awaited: Option<Awaited>,
    overdue_at: Option<OffsetDateTime>,
}

/// The message that was last sent for an onboarding that has to wait: others for the same work are duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// What it is to do.
    pub priority: Priority,
    /// When it comes.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Its place in the line for the Hub, if that is what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
}

impl Lease {
    /// The onboarding that is leased.
    pub fn onboarding_id(&self) -> &OnboardingId {
        &self.onboarding_id
    }

    /// When it runs out.
    pub fn until(&self) -> OffsetDateTime {
        self.until
    }

    /// The message that was awaited when the lease was taken. It may have come since, or be the one at hand.
    pub fn awaited(&self) -> Option<&Awaited> {
        self.awaited.as_ref()
    }

    /// When the onboarding becomes overdue, if it was not when the lease was taken and can become so. No release lets
    /// reconciliation look at it later than that.
    pub fn overdue_at(&self) -> Option<OffsetDateTime> {
        self.overdue_at
    }
}

/// What [`Store::lease`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and mostly the large one")]
pub enum LeaseOutcome {
    /// The lease is ours, and this is the record.
    Taken(Lease, Stored),
    /// Somebody else has it.
    Held {
        /// When theirs runs out.
        until: OffsetDateTime,
    },
}

impl Store {
    /// Takes the lease on an onboarding, unless somebody else has one that has not run out.
    pub async fn lease(&self, id: &OnboardingId, length: Duration) -> Result<LeaseOutcome, StoreError> {
        let now = self.clock.now();
        let mut lease = Lease {
            onboarding_id: id.clone(),
            owner: new_owner()?,
            until: now + length,
            awaited: None,
            overdue_at: None,
        };
        // `lease_owner = :me` holds when the SDK repeats an update whose answer was lost.
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::onboarding(id).attributes()))
            .update_expression("SET lease_owner = :me, lease_until = :until")
            .condition_expression(
                "attribute_exists(pk) AND \
                 (attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :me)",
            )
            .expression_attribute_values(":me", s(&lease.owner))
            .expression_attribute_values(":until", n(milliseconds(lease.until)))
            .expression_attribute_values(":now", n(milliseconds(now)))
            .return_values(ReturnValue::AllNew);
        match self.update(request).await? {
            Updated::Done(mut item) => {
                lease.awaited =
                    item.remove("awaited").and_then(|awaited| serde_dynamo::from_attribute_value(awaited).ok());
                let stored = record::from_item(item)?;
                lease.overdue_at = stored.onboarding.overdue_at(&self.longest_waits);
                Ok(LeaseOutcome::Taken(lease, stored))
            }
            Updated::Refused(None) => Err(StoreError::NotFound),
            Updated::Refused(Some(item)) => {
                let until = item::number(&item, "lease_until").and_then(item::time);
                Ok(LeaseOutcome::Held { until: until.unwrap_or(now) })
            }
        }
    }

    /// Gives a lease back. Changes nothing if it is no longer ours. A `due_at` replaces the time at which reconciliation
    /// looks at the onboarding, unless it is at rest; [`Lease::overdue_at`] does if that is earlier.
    pub async fn release(&self, lease: &Lease, due_at: Option<OffsetDateTime>) -> Result<(), StoreError> {
        self.give_back(lease, due_at, None).await
    }

    /// [`Self::release`], and notes the message that was sent to come back later.
    pub async fn release_awaiting(
        &self,
        lease: &Lease,
        due_at: Option<OffsetDateTime>,
        awaited: &Awaited,
    ) -> Result<(), StoreError> {
        self.give_back(lease, due_at, Some(awaited)).await
    }

    async fn give_back(
        &self,
        lease: &Lease,
        due_at: Option<OffsetDateTime>,
        awaited: Option<&Awaited>,
    ) -> Result<(), StoreError> {
        let mut request = self
            .client
            .update_item()
            .set_key(Some(Key::onboarding(&lease.onboarding_id).attributes()))
            .expression_attribute_values(":me", s(&lease.owner));
        let mut set = String::new();
        if let Some(awaited) = awaited {
            let awaited = serde_dynamo::to_attribute_value(awaited)
                .map_err(|error| item::unreadable(lease.onboarding_id.as_str(), &error))?;
            request = request.expression_attribute_values(":awaited", awaited);
            "SET awaited = :awaited".clone_into(&mut set);
        }
        if let Some(due_at) = due_at {
            let due_at = lease.overdue_at.map_or(due_at, |overdue_at| overdue_at.min(due_at));
            let set =
                if set.is_empty() { "SET due_at = :due_at".to_owned() } else { format!("{set}, due_at = :due_at") };
            let request = request
                .clone()
                .update_expression(format!("{set} REMOVE lease_owner, lease_until"))
                .condition_expression("lease_owner = :me AND attribute_exists(due)")
                .expression_attribute_values(":due_at", n(milliseconds(due_at)));
            match self.update(request).await? {
                // Ours, so it is at rest.
                Updated::Refused(Some(item)) if item::text(&item, "lease_owner") == Some(&lease.owner) => {}
                _ => return Ok(()),
            }
        }
        let request = request
            .update_expression(format!("{set} REMOVE lease_owner, lease_until"))
            .condition_expression("lease_owner = :me");
        self.update(request).await.map(drop)
    }
}

/// A random name for whoever takes a lease or a claim.
pub(crate) fn new_owner() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unavailable(format!("no randomness: {error}")))?;
    Ok(hex::encode(bytes))
}
