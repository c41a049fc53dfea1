//! The limiter's item: the dispatcher's lease, the permits, and what is known of the Hub's health.
//!
//! Only the dispatcher that holds the lease gives permits. Workers redeem them, give them back, and note how the Hub answers.

use std::fmt::Write as _;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem, Update};
use onboarding::PartnerEvent;
use onboarding::limiter::{Limiter, NextPermit, Permit, from_milliseconds, milliseconds};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Item, Key, n, s};
use super::{Store, StoreError, new_owner};

/// Longer than a pass of the dispatcher. Each pass begins with a new lease.
const LEASE: Duration = Duration::seconds(30);
/// So many permits are removed in one write. DynamoDB limits the length of an expression.
const IN_ONE_WRITE: usize = 100;

/// The right to give permits, until another run takes it.
#[derive(Debug, Clone)]
pub struct DispatchLease {
    owner: String,
    /// How often others had found the lease held when it was last looked at.
    knocks: i64,
    /// Whether somebody waited when the last run ended.
    pub waits: bool,
    /// The limiter as it stood then.
    pub limiter: Limiter,
}

impl DispatchLease {
    /// Takes over how the item stands.
    fn look(&mut self, found: Item) -> Result<(), StoreError> {
        let LimitItem { knocks, limiter, .. } = item::read(found)?;
        (self.knocks, self.limiter) = (knocks, limiter);
        Ok(())
    }
}

#[derive(Deserialize)]
struct LimitItem {
    #[serde(default)]
    knocks: i64,
    #[serde(default)]
    waits: bool,
    #[serde(flatten)]
    limiter: Limiter,
}

impl Store {
    /// Takes the dispatcher's lease. The run of the minute takes it from the run that has it (`from_others`). Any other run
    /// gets `None` while the lease is held, and the run that holds it hears of that ([`Self::end_dispatch`]).
    pub async fn begin_dispatch(&self, from_others: bool) -> Result<Option<DispatchLease>, StoreError> {
        let (now, owner) = (self.clock.now(), new_owner()?);
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression(
                "SET v = :v, lease_owner = :me, lease_until = :until, permits = if_not_exists(permits, :none), \
                 given = if_not_exists(given, :never), failures = if_not_exists(failures, :zero)",
            )
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":me", s(&owner))
            .expression_attribute_values(":until", n(milliseconds(now + LEASE)))
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":none", AttributeValue::M(Item::new()))
            // A value of its own: MiniStack makes one map of two attributes that are set from the same.
            .expression_attribute_values(":never", AttributeValue::M(Item::new()))
            .return_values(ReturnValue::AllNew);
        let request = if from_others {
            request
        } else {
            request
                .condition_expression("attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :me")
                .expression_attribute_values(":now", n(milliseconds(now)))
        };
        match self.update(request).await? {
            Updated::Done(found) => {
                let LimitItem { knocks, waits, limiter } = item::read(found)?;
                Ok(Some(DispatchLease { owner, knocks, waits, limiter }))
            }
            Updated::Refused(_) => {
                let knock = self
                    .client
                    .update_item()
                    .set_key(Some(Key::limit().attributes()))
                    .update_expression("ADD knocks :one")
                    .expression_attribute_values(":one", n(1));
                self.update(knock).await.map(|_| None)
            }
        }
    }

    /// Keeps the lease for another while and looks at the limiter again. `false` if another run has taken it.
    pub async fn keep_dispatching(&self, lease: &mut DispatchLease) -> Result<bool, StoreError> {
        let until = n(milliseconds(self.clock.now() + LEASE));
        let request = self
            .client
            .update_item()
            .update_expression("SET lease_until = :until")
            .expression_attribute_values(":until", until);
        self.as_holder(lease, request).await
    }

    /// Gives the lease up, and leaves word whether somebody waits; `false` if somebody else wanted to dispatch since the limiter
    /// was last looked at, so that another pass is due.
    pub async fn end_dispatch(&self, lease: &DispatchLease, waits: bool) -> Result<bool, StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression("SET waits = :waits REMOVE lease_owner, lease_until")
            .expression_attribute_values(":waits", AttributeValue::Bool(waits))
            .condition_expression("lease_owner = :me AND (attribute_not_exists(knocks) OR knocks = :knocks)")
            .expression_attribute_values(":me", s(&lease.owner))
            .expression_attribute_values(":knocks", n(lease.knocks));
        match self.update(request).await? {
            Updated::Done(_) => Ok(true),
            Updated::Refused(found) => {
                Ok(found.is_none_or(|found| item::text(&found, "lease_owner") != Some(&lease.owner)))
            }
        }
    }

    /// Gives the lease up whatever others wanted meanwhile, and leaves word that somebody may wait. Changes nothing if another
    /// run has taken it.
    pub async fn abandon_dispatch(&self, lease: &DispatchLease) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression("SET waits = :waits REMOVE lease_owner, lease_until")
            .expression_attribute_values(":waits", AttributeValue::Bool(true))
            .condition_expression("lease_owner = :me")
            .expression_attribute_values(":me", s(&lease.owner));
        self.update(request).await.map(drop)
    }

    /// Takes a token for a permit. `next`: whose it is; `None` for a question of our own. `false` if another run has the lease.
    pub async fn reserve(
        &self,
        lease: &mut DispatchLease,
        id: &str,
        permit: &Permit,
        next: Option<NextPermit>,
    ) -> Result<bool, StoreError> {
        let written =
            serde_dynamo::to_attribute_value(permit).map_err(|error| item::unreadable("LIMIT#hub", &error))?;
        let mut set = "SET permits.#id = :permit".to_owned();
        let mut request = self
            .client
            .update_item()
            .expression_attribute_names("#id", id)
            .expression_attribute_values(":permit", written)
            .expression_attribute_values(":now", n(permit.sent_at));
        match next {
            None => set.push_str(", probed_at = :now"),
            Some(NextPermit { class, out_of_order }) => {
                set.push_str(", given.#class = :now");
                request = request.expression_attribute_names("#class", class.as_str());
                if out_of_order {
                    set.push_str(", out_of_order_at = :now");
                }
            }
        }
        self.as_holder(lease, request.update_expression(set)).await
    }

    /// Frees the tokens of these permits. `false` if another run has the lease.
    pub async fn free_tokens(&self, lease: &mut DispatchLease, ids: &[String]) -> Result<bool, StoreError> {
        for ids in ids.chunks(IN_ONE_WRITE) {
            let (mut request, mut remove) = (self.client.update_item(), String::from("REMOVE "));
            for (number, id) in ids.iter().enumerate() {
                let _ = write!(remove, "{}permits.#p{number}", if number == 0 { "" } else { ", " });
                request = request.expression_attribute_names(format!("#p{number}"), id);
            }
            if !self.as_holder(lease, request.update_expression(remove)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Frees the token of a permit that ran out. Its worker may have redeemed it at the last moment: then it keeps the token.
    /// `false` if another run has the lease.
    pub async fn free_void(&self, lease: &mut DispatchLease, id: &str) -> Result<bool, StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression("REMOVE permits.#id")
            .condition_expression("lease_owner = :me AND attribute_not_exists(permits.#id.redeemed_at)")
            .expression_attribute_names("#id", id)
            .expression_attribute_values(":me", s(&lease.owner))
            .return_values(ReturnValue::AllNew);
        let found = match self.update(request).await? {
            Updated::Done(found) => Some(found),
            Updated::Refused(found) => found.filter(|found| item::text(found, "lease_owner") == Some(&lease.owner)),
        };
        let Some(found) = found else { return Ok(false) };
        lease.look(found)?;
        Ok(true)
    }

    /// Opens the breaker, or closes it, as the answer to our question says; the partner is told where that is news. `false` if
    /// another run has the lease.
    pub async fn set_breaker(
        &self,
        lease: &mut DispatchLease,
        open_since: Option<OffsetDateTime>,
    ) -> Result<bool, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::limit().attributes()))
            .condition_expression("lease_owner = :me")
            .expression_attribute_values(":me", s(&lease.owner));
        let update = match open_since {
            Some(at) => update
                .update_expression("SET open_since = if_not_exists(open_since, :at) REMOVE probe")
                .expression_attribute_values(":at", n(milliseconds(at))),
            None => update
                .update_expression("SET failures = :zero REMOVE open_since, probed_at, probe")
                .expression_attribute_values(":zero", n(0)),
        };
        let told = match (lease.limiter.open_since, open_since) {
            (None, Some(since)) => Some(PartnerEvent::hub(false, since)),
            (Some(since), None) => Some(PartnerEvent::hub(true, from_milliseconds(since))),
            _ => None,
        };
        let write = TransactWriteItem::builder().update(update.build()?).build();
        if !self.write_and_tell(write, told.as_ref()).await? {
            return Ok(false);
        }
        // A transaction does not say how the item stands then.
        self.keep_dispatching(lease).await
    }

    async fn as_holder(&self, lease: &mut DispatchLease, request: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
        let request = request
            .set_key(Some(Key::limit().attributes()))
            .condition_expression("lease_owner = :me")
            .expression_attribute_values(":me", s(&lease.owner))
            .return_values(ReturnValue::AllNew);
        let Updated::Done(found) = self.update(request).await? else { return Ok(false) };
        lease.look(found)?;
        Ok(true)
    }

    /// Frees the token of a permit that its worker does not need. Changes nothing if it was redeemed.
    pub async fn return_permit(&self, id: &str) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression("REMOVE permits.#id")
            .condition_expression("attribute_exists(permits.#id) AND attribute_not_exists(permits.#id.redeemed_at)")
            .expression_attribute_names("#id", id);
        self.update(request).await.map(drop)
    }

    /// Notes that a call to the Hub failed: no answer, or 5xx.
    pub async fn hub_failed(&self) -> Result<(), StoreError> {
        self.note("ADD failures :n", "attribute_exists(pk)", 1).await
    }

    /// Notes that the Hub answered, after calls that failed.
    pub async fn hub_answered(&self) -> Result<(), StoreError> {
        self.note("SET failures = :n", "attribute_exists(pk)", 0).await
    }

    /// Notes that the Hub takes no calls until then. A longer pause stays.
    pub async fn pause_calls(&self, until: OffsetDateTime) -> Result<(), StoreError> {
        let longer = "attribute_exists(pk) AND (attribute_not_exists(paused_until) OR paused_until < :n)";
        self.note("SET paused_until = :n", longer, milliseconds(until)).await
    }

    /// Notes how the Hub answered our own question.
    pub async fn hub_probed(&self, well: bool) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression("SET probe = :well")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":well", AttributeValue::Bool(well));
        self.update(request).await.map(drop)
    }

    async fn note(&self, expression: &str, condition: &str, number: i64) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression(expression)
            .condition_expression(condition)
            .expression_attribute_values(":n", n(number));
        self.update(request).await.map(drop)
    }

    /// The limiter as it stands (a consistent read), for whoever watches the dispatcher.
    pub async fn limiter(&self) -> Result<Limiter, StoreError> {
        let found = self.read_item(Key::limit()).await?;
        Ok(found.map(item::read::<LimitItem>).transpose()?.map(|item| item.limiter).unwrap_or_default())
    }
}
