//! What is due, and who is at work with it.
//!
//! An item that is due has the attributes `due` (its class) and `due_at`. The dispatcher sends a message for it and moves `due_at` on,
//! so that it is sent once; what a worker records takes it out of the line, or gives it a new time. A worker that dies
//! records nothing, and the item is due again.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, Select, TransactWriteItem, Update};
use onboarding::limiter::{REDEEMABLE, from_milliseconds, milliseconds};
use onboarding::{Class, HOLD, ImportId, OnboardingId};
use time::{Duration, OffsetDateTime};

use super::contention::{RaceBackoff, Transacted, Updated};
use super::event::EventKey;
use super::inbox::InboxKey;
use super::item::{self, DELIVERY_PREFIX, Item, Key, STACK, n, s};
use super::{Store, StoreError, Stored, record, schema};

/// Attributes that say who is at work. What is recorded removes them.
pub(crate) const AT_WORK: [&str; 4] = ["permit", "held_until", "unanswered", "voids"];

/// How far a piece of work moves on when a message is sent for it; doubled with each message that stays without a result.
const RESEND: Duration = Duration::seconds(30);
/// No message waits longer for its result.
const LONGEST_RESEND: Duration = Duration::hours(1);

/// A permit is redeemed so long before its call at most. The limiter lets calls travel unequally by more than that.
pub const LATE: Duration = Duration::milliseconds(100);

/// The name of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WorkKey {
    /// An onboarding that is not at rest.
    Onboarding(OnboardingId),
    /// A signup that is being confirmed at Meta. Reconciliation's: it never gets a permit.
    Confirmation(OnboardingId),
    /// A new key that takes too long. Reconciliation's, too.
    Rotation(OnboardingId),
    /// What is personal and left in an onboarding whose record was erased. Reconciliation's too.
    Erasure(OnboardingId),
    /// What is left of an onboarding whose record was deleted. Reconciliation's too.
    Deletion(OnboardingId),
    /// A webhook that is kept and not settled.
    Inbox(InboxKey),
    /// An event to be told.
    Event(EventKey),
    /// Events that are told once more to the partner's webhook.
    Replay,
    /// An import of channels that were there before.
    Import(ImportId),
    /// The daily sweep of all channels and client accounts.
    Sweep,
    /// The token with which we call the Hub, if it has to be fetched.
    Token,
    /// A question of our own, whether the Hub is well. It has no item beside the limiter's.
    Probe,
}

impl WorkKey {
    /// The name as text: the `pk` of its item.
    pub fn as_text(&self) -> String {
        self.key().pk
    }

    /// Reads [`Self::as_text`] of work that may get a permit; `None` for the `pk` of anything else.
    pub fn from_text(pk: &str) -> Option<Self> {
        let single = || [Self::Sweep, Self::Token, Self::Probe].into_iter().find(|work| work.key().pk == pk);
        item::onboarding_id(pk)
            .map(Self::Onboarding)
            .or_else(|| item::inbox_key(pk).map(Self::Inbox))
            .or_else(|| item::import_id(pk).map(Self::Import))
            .or_else(single)
    }

    /// What an item with these keys gives to do that was just written: that of its onboarding or webhook, and an event to be
    /// told.
    pub fn of_item(pk: &str, sk: &str) -> impl Iterator<Item = Self> {
        Self::from_text(pk).into_iter().chain(EventKey::of(pk, sk).map(Self::Event))
    }

    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Onboarding(id) => Key::onboarding(id),
            Self::Confirmation(id) => Key::token(id),
            Self::Rotation(id) => Key::rotation(id),
            Self::Erasure(id) => Key::erasure(id),
            Self::Deletion(id) => Key::deleted(id),
            Self::Inbox(key) => Key::inbox_work(key),
            Self::Event(key) => key.delivery(),
            Self::Replay => Key::replay(),
            Self::Import(id) => Key::import(id),
            Self::Sweep => Key::sweep(),
            Self::Token => Key::hub_token(),
            Self::Probe => Key::limit(),
        }
    }
}

/// A piece of work as the line shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub key: WorkKey,
    /// When it is due, to the millisecond.
    pub due_at: OffsetDateTime,
}

/// A piece of work as its item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkState {
    /// How urgent it is.
    pub class: Class,
    /// When it is due.
    pub due_at: OffsetDateTime,
    /// Until when a worker has it to itself.
    pub held_until: Option<OffsetDateTime>,
    /// Messages that were sent for it and stayed without a result.
    pub unanswered: u32,
    /// The record, if it is an onboarding.
    pub record: Option<Stored>,
}

impl Store {
    /// What is due in a class at `now`, longest due first, at most `limit`. An eventually consistent read: what was just
    /// taken may still be among it.
    pub async fn due(&self, class: Class, now: OffsetDateTime, limit: u32) -> Result<Vec<Due>, StoreError> {
        let limit = limit.clamp(1, 1000);
        let query = self.query_due(class, now);
        let mut items = query.into_paginator().page_size(limit.cast_signed()).items().send();
        let mut found = Vec::new();
        while found.len() < limit as usize {
            let Some(item) = items.next().await.transpose()? else { break };
            found.extend(due(&item));
        }
        Ok(found)
    }

    /// How many pieces of work of a class are due at `now`, counted up to a few thousand.
    pub async fn count_due(&self, class: Class, now: OffsetDateTime) -> Result<u32, StoreError> {
        let query = self.query_due(class, now).select(Select::Count);
        Ok(query.send().await?.count().cast_unsigned())
    }

    fn query_due(&self, class: Class, now: OffsetDateTime) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(schema::BY_DUE)
            .key_condition_expression("due = :class AND due_at <= :now")
            .expression_attribute_values(":class", s(class.as_str()))
            .expression_attribute_values(":now", n(milliseconds(now)))
    }

    /// A piece of work as it stands now (a consistent read); `None` if nothing is to be done for it.
    pub async fn work(&self, key: &WorkKey) -> Result<Option<WorkState>, StoreError> {
        let Some(found) = self.read_item(key.key()).await? else { return Ok(None) };
        let class = item::text(&found, "due").and_then(|class| class.parse().ok());
        let (Some(class), Some(due_at)) = (class, item::number(&found, "due_at")) else { return Ok(None) };
        let number = |name| item::number(&found, name);
        Ok(Some(WorkState {
            class,
            due_at: from_milliseconds(due_at),
            held_until: number("held_until").map(from_milliseconds),
            unanswered: number("unanswered").and_then(|count| count.try_into().ok()).unwrap_or(0),
            record: match key {
                WorkKey::Onboarding(_) => Some(record::from_item(found)?),
                _ => None,
            },
        }))
    }

    /// Takes a piece of work that a message with this permit is to be sent for; `false` if it is no longer due as `state`
    /// says. Until a result is recorded it is due again after 30 seconds, then 60, and so on.
    pub async fn take(&self, key: &WorkKey, state: &WorkState, permit: &str) -> Result<bool, StoreError> {
        let wait = RESEND.checked_mul(1 << state.unanswered.min(10)).unwrap_or(LONGEST_RESEND).min(LONGEST_RESEND);
        let request = self
            .client
            .update_item()
            .set_key(Some(key.key().attributes()))
            .update_expression("SET permit = :permit, due_at = :next, unanswered = :unanswered REMOVE held_until")
            .condition_expression("due = :class AND due_at = :due_at")
            .expression_attribute_values(":permit", s(permit))
            .expression_attribute_values(":class", s(state.class.as_str()))
            .expression_attribute_values(":due_at", n(milliseconds(state.due_at)))
            .expression_attribute_values(":unanswered", n(state.unanswered + 1))
            .expression_attribute_values(":next", n(milliseconds(self.clock.now() + wait)));
        Ok(matches!(self.update(request).await?, Updated::Done(_)))
    }

    /// Takes a piece of work back whose permit is void: it is due as it was. Returns how often that has happened since the
    /// last result; `None` if the work has moved on.
    pub async fn give_back(&self, key: &WorkKey, permit: &str, due_at: i64) -> Result<Option<u32>, StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(key.key().attributes()))
            .update_expression("SET due_at = :due_at REMOVE permit ADD unanswered :less, voids :one")
            .condition_expression("permit = :permit AND attribute_exists(due) AND attribute_not_exists(held_until)")
            .expression_attribute_values(":permit", s(permit))
            .expression_attribute_values(":due_at", n(due_at))
            .expression_attribute_values(":less", n(-1))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew);
        match self.update(request).await? {
            Updated::Done(item) => Ok(item::number(&item, "voids").and_then(|voids| voids.try_into().ok())),
            Updated::Refused(_) => Ok(None),
        }
    }

    /// Moves a piece of work of a class to another time, without a result, if it is still due when `due` says.
    pub async fn defer(&self, due: &Due, class: Class, to: OffsetDateTime) -> Result<(), StoreError> {
        self.update(self.defer_request(due, class, to)).await.map(drop)
    }

    /// [`Self::defer`] until the worker that has the work has had it for long enough. Changes nothing if it has given it up.
    pub async fn defer_held(&self, due: &Due, class: Class, held_until: OffsetDateTime) -> Result<(), StoreError> {
        let request = self
            .defer_request(due, class, held_until)
            .condition_expression("due = :class AND due_at = :due_at AND held_until = :to");
        self.update(request).await.map(drop)
    }

    fn defer_request(&self, due: &Due, class: Class, to: OffsetDateTime) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .set_key(Some(due.key.key().attributes()))
            .update_expression("SET due_at = :to")
            .condition_expression("due = :class AND due_at = :due_at")
            .expression_attribute_values(":class", s(class.as_str()))
            .expression_attribute_values(":due_at", n(milliseconds(due.due_at)))
            .expression_attribute_values(":to", n(milliseconds(to)))
    }

    /// Records that a piece of work was done as far as it can be now, and is due next at `due_at` in `class`. A worker names
    /// its permit: if the work is another message's by now, nothing changes.
    pub async fn due_next(
        &self,
        key: &WorkKey,
        permit: Option<&str>,
        class: Class,
        due_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(key.key().attributes()))
            .update_expression(format!("SET due = :class, due_at = :due_at REMOVE {}", AT_WORK.join(", ")))
            .expression_attribute_values(":class", s(class.as_str()))
            .expression_attribute_values(":due_at", n(milliseconds(due_at)));
        let request = match permit {
            None => request.condition_expression("attribute_exists(due)"),
            Some(permit) => request
                .condition_expression("attribute_exists(due) AND permit = :permit")
                .expression_attribute_values(":permit", s(permit)),
        };
        self.update(request).await.map(drop)
    }

    /// Redeems a permit immediately before its call. From then on the work is this worker's alone, for [`HOLD`]. `false`: the
    /// permit is void or was redeemed before, and nothing may be done with it.
    pub async fn redeem(&self, key: &WorkKey, permit: &str, class: Class) -> Result<bool, StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let now = self.clock.now();
            let mut writes = Vec::new();
            if *key != WorkKey::Probe {
                writes.push(self.hold_write(key, permit, now)?);
            }
            if class.takes_permit() {
                writes.push(self.redeem_write(permit, now)?);
            }
            match self.transact(writes).await? {
                Transacted::Done if !class.takes_permit() || self.clock.now() - now <= LATE => return Ok(true),
                Transacted::Done => return self.redeemed_late(permit).await,
                // The SDK may have repeated a write whose answer was lost, but with its token that is no second write.
                Transacted::Refused(_) => return Ok(false),
                Transacted::Contended => backoff.after_lost_race().await?,
            }
        }
    }

    /// What came before the call took long, and it is made only now: its token counts from now. `false`: the permit is void.
    pub async fn redeemed_late(&self, permit: &str) -> Result<bool, StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::limit().attributes()))
            .update_expression("SET permits.#permit.redeemed_at = :now")
            .condition_expression("attribute_exists(permits.#permit)")
            .expression_attribute_names("#permit", permit)
            .expression_attribute_values(":now", n(milliseconds(self.clock.now())));
        Ok(matches!(self.update(request).await?, Updated::Done(_)))
    }

    fn hold_write(&self, key: &WorkKey, permit: &str, now: OffsetDateTime) -> Result<TransactWriteItem, StoreError> {
        let until = milliseconds(now + HOLD);
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.key().attributes()))
            .update_expression("SET held_until = :until")
            .condition_expression("permit = :permit AND attribute_not_exists(held_until)")
            .expression_attribute_values(":until", n(until))
            .expression_attribute_values(":permit", s(permit))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn redeem_write(&self, permit: &str, now: OffsetDateTime) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::limit().attributes()))
            .update_expression("SET permits.#permit.redeemed_at = :now")
            .condition_expression(
                "permits.#permit.sent_at > :since AND attribute_not_exists(permits.#permit.redeemed_at)",
            )
            .expression_attribute_names("#permit", permit)
            .expression_attribute_values(":now", n(milliseconds(now)))
            .expression_attribute_values(":since", n(milliseconds(now - REDEEMABLE)))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

fn due(item: &Item) -> Option<Due> {
    let pk = item::text(item, "pk").unwrap_or_default();
    let sk = item::text(item, "sk").unwrap_or_default();
    let key = match (sk, item::onboarding_id(pk)) {
        _ if sk.starts_with(DELIVERY_PREFIX) => EventKey::of(pk, sk).map(WorkKey::Event),
        _ if pk == STACK => Some(WorkKey::Replay),
        (item::TOKEN, Some(id)) => Some(WorkKey::Confirmation(id)),
        (item::ROTATION, Some(id)) => Some(WorkKey::Rotation(id)),
        (item::ERASURE, Some(id)) => Some(WorkKey::Erasure(id)),
        (item::DELETED, Some(id)) => Some(WorkKey::Deletion(id)),
        _ => WorkKey::from_text(pk),
    };
    let Some(key) = key else {
        tracing::error!(pk, "due item of an unknown kind left out");
        return None;
    };
    Some(Due { key, due_at: from_milliseconds(item::number(item, "due_at")?) })
}
