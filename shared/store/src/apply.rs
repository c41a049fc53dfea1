//! The only way in which a record changes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use onboarding::{Event, Onboarding, OnboardingId, PartnerEvent, transition};

use super::also::Also;
use super::contention::{RaceBackoff, Transacted};
use super::event::EntryWrites;
use super::history::HistoryEntry;
use super::item::{self, Item, Key, n, s};
use super::kept_token::KeptToken;
use super::ownership::{Claim, Former};
use super::record::{self, OPTIONAL};
use super::work::{AT_WORK, WorkKey};
use super::{Store, StoreError, Stored};

/// What an event did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It changed the record, which now is this.
    Changed(Stored),
    /// It said nothing new; the record is this.
    Unchanged(Stored),
}

impl Applied {
    /// Whether the event led to this status now.
    pub fn is_change_to(&self, status: onboarding::Status) -> bool {
        matches!(self, Self::Changed(stored) if stored.onboarding.status == status)
    }

    /// The record after the event.
    pub fn into_stored(self) -> Stored {
        match self {
            Self::Changed(stored) | Self::Unchanged(stored) => stored,
        }
    }
}

/// How the writing of a change went.
enum Replaced {
    Done,
    /// Somebody else was there first.
    LostRace,
    /// A number, a channel or an unclaimed signup is another onboarding's.
    Refused(StoreError),
}

/// Who says that something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender<'a> {
    Anybody,
    /// The worker with this permit.
    Worker(&'a str),
}

impl Store {
    /// Applies an event to a record. What it changes is written in one transaction: the record, an entry of its history,
    /// the ownership of a number or channel that became known, and what else changes with it. Whoever loses a race applies
    /// the event to the winner's record. A number that was proven anew is taken over from an onboarding at rest.
    pub async fn apply(&self, id: &OnboardingId, event: &Event) -> Result<Applied, StoreError> {
        Box::pin(self.apply_from(None, id, event, Sender::Anybody, None)).await
    }

    /// [`Self::apply`] of [`Event::CodeExchanged`]: the token is kept in the same transaction, in place of an earlier one.
    pub async fn exchanged(&self, id: &OnboardingId, token: &KeptToken) -> Result<Applied, StoreError> {
        let event = Event::CodeExchanged { code_sha256: token.code_sha256.clone() };
        Box::pin(self.apply_from(None, id, &event, Sender::Anybody, Some(token))).await
    }

    /// [`Self::apply`] of what the worker with this permit found out: its work is done, and what is to be done next is due.
    /// `before`: the record as the worker read it. If the work is another message's by now, that one keeps it: then a fact is
    /// applied as anybody's, and that a try failed is not recorded.
    pub async fn record(&self, before: Stored, permit: &str, event: &Event) -> Result<Applied, StoreError> {
        let id = before.onboarding.id.clone();
        Box::pin(self.apply_from(Some(before), &id, event, Sender::Worker(permit), None)).await
    }

    /// Its future is large, and many others hold it: it has a place of its own.
    async fn apply_from(
        &self,
        mut known: Option<Stored>,
        id: &OnboardingId,
        event: &Event,
        mut sender: Sender<'_>,
        kept: Option<&KeptToken>,
    ) -> Result<Applied, StoreError> {
        let mut backoff = RaceBackoff::default();
        let mut former = None;
        loop {
            let before = match known.take() {
                Some(before) => before,
                None => self.get(id).await?,
            };
            let after = transition(&before.onboarding, event, self.clock.now()).map_err(StoreError::Illegal)?;
            let Some(onboarding) = after else {
                if let Sender::Worker(permit) = sender {
                    self.work_done(&before.onboarding, permit).await?;
                }
                return Ok(Applied::Unchanged(before));
            };
            let after = Stored { onboarding: Box::new(onboarding), version: before.version + 1 };
            match self.replace(&before, &after, event, sender, (kept, former.take())).await? {
                Replaced::Done => return Ok(Applied::Changed(after)),
                Replaced::LostRace => {}
                Replaced::Refused(StoreError::NumberTaken) => {
                    former = Some(self.number_at_rest(&after.onboarding).await?.ok_or(StoreError::NumberTaken)?);
                }
                Replaced::Refused(StoreError::ChannelTaken) => {
                    former = Some(self.channel_of_deleted(&after.onboarding).await?.ok_or(StoreError::ChannelTaken)?);
                }
                Replaced::Refused(error) => return Err(error),
            }
            if let Sender::Worker(permit) = sender
                && self.permit_at_work(id).await?.as_deref() != Some(permit)
            {
                if matches!(event, Event::StepDelayed { .. } | Event::StepFailed { .. }) {
                    return Ok(Applied::Unchanged(before));
                }
                sender = Sender::Anybody;
            }
            backoff.after_lost_race().await?;
        }
    }

    /// Writes what an event changed. `former`: from whom the number or the channel is taken over.
    async fn replace(
        &self,
        before: &Stored,
        after: &Stored,
        event: &Event,
        sender: Sender<'_>,
        (kept, former): (Option<&KeptToken>, Option<Former>),
    ) -> Result<Replaced, StoreError> {
        const RECORD: usize = 0;
        const FIRST_CLAIM: usize = 2;

        let id = &after.onboarding.id;
        let claims = Claim::between(&before.onboarding, &after.onboarding);
        let EntryWrites { entry, delivery } = self.entry_writes(before, after, event)?;
        let mut writes = vec![self.record_write(before, after, sender)?, entry];
        let from = former.as_ref().map(Former::id);
        for claim in &claims {
            writes.push(claim.write(&self.table, id, from)?);
        }
        if let Some(Former::AtRest(loser)) = &former {
            writes.extend(self.lost_writes(loser, id, true)?);
        }
        let first_also = writes.len();
        let also = Also::of(&self.table, &before.onboarding, &after.onboarding, event, kept)?;
        writes.extend(also.iter().map(|also| also.write.clone()));
        writes.extend(delivery);

        let refused = match self.transact(writes).await? {
            Transacted::Done => return Ok(Replaced::Done),
            Transacted::Contended => return Ok(Replaced::LostRace),
            Transacted::Refused(refused) => refused,
        };
        // With another version of the record the event may claim nothing, so the claims do not count yet.
        if refused.contains(&RECORD) {
            return Ok(Replaced::LostRace);
        }
        let taken = claims.into_iter().enumerate().find(|(number, _)| refused.contains(&(FIRST_CLAIM + number)));
        if let Some((_, claim)) = taken {
            return Ok(Replaced::Refused(claim.taken));
        }
        let refusal = also.into_iter().enumerate().find(|(number, _)| refused.contains(&(first_also + number)));
        Ok(refusal.and_then(|(_, also)| also.refusal).map_or(Replaced::LostRace, Replaced::Refused))
    }

    /// The writes of a change's entry, with an id of this moment if the partner is told of it.
    pub(crate) fn entry_writes(
        &self,
        before: &Stored,
        after: &Stored,
        event: &Event,
    ) -> Result<EntryWrites, StoreError> {
        let told = PartnerEvent::of_change(&before.onboarding, &after.onboarding, after.version, event);
        let entry = HistoryEntry::of(before, after, event);
        entry.writes(&self.table, &after.onboarding.id, told.as_ref(), self.clock.now())
    }

    /// The writes that take the number from an onboarding at rest. `with_channel`: its channel is released with it, and not
    /// claimed in the same transaction.
    pub(crate) fn lost_writes(
        &self,
        loser: &Stored,
        winner: &OnboardingId,
        with_channel: bool,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let event = Event::NumberLost { to: winner.clone() };
        let Some(onboarding) = transition(&loser.onboarding, &event, self.clock.now()).map_err(StoreError::Illegal)?
        else {
            return Ok(Vec::new());
        };
        let after = Stored { onboarding: Box::new(onboarding), version: loser.version + 1 };
        let EntryWrites { entry, delivery } = self.entry_writes(loser, &after, &event)?;
        let mut writes = vec![self.record_write(loser, &after, Sender::Anybody)?, entry];
        writes.extend(delivery);
        if with_channel {
            writes.extend(self.release_write(&loser.onboarding)?);
        }
        Ok(writes)
    }

    /// Records that the worker with this permit has nothing to do for an onboarding: it is due as its record says.
    pub async fn work_done(&self, onboarding: &Onboarding, permit: &str) -> Result<(), StoreError> {
        let key = WorkKey::Onboarding(onboarding.id.clone());
        match onboarding.work() {
            Some(work) => self.due_next(&key, Some(permit), work.class, work.due_at).await,
            None => Ok(()),
        }
    }

    /// The permit of the message that the work of an onboarding is.
    async fn permit_at_work(&self, id: &OnboardingId) -> Result<Option<String>, StoreError> {
        let found = self.read_item(Key::onboarding(id)).await?;
        Ok(found.and_then(|found| item::text(&found, "permit").map(str::to_owned)))
    }

    /// An update and not a put: the attributes that say who is at work stay, and so does the time at which the work is due,
    /// unless a worker reports or the work is another one now.
    fn record_write(
        &self,
        before: &Stored,
        after: &Stored,
        sender: Sender<'_>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item = record::to_item(&after.onboarding, after.version)?;
        item.retain(|name, _| name != "pk" && name != "sk");
        let mut absent: Vec<&str> = OPTIONAL.into_iter().filter(|name| !item.contains_key(*name)).collect();
        if let Sender::Worker(_) = sender {
            absent.extend(AT_WORK);
        } else if before.onboarding.has_same_work(&after.onboarding) {
            item.retain(|name, _| name != "due" && name != "due_at");
            absent.retain(|name| *name != "due" && *name != "due_at");
        }
        let Assignment { expression, names, mut values } = Assignment::of(item, &absent);
        values.insert(":before".to_owned(), n(before.version));
        let mut condition = "version = :before".to_owned();
        if let Sender::Worker(permit) = sender {
            condition.push_str(" AND #permit = :permit");
            values.insert(":permit".to_owned(), s(permit));
        }
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::onboarding(&after.onboarding.id).attributes()))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

/// An update expression that sets the attributes of an item and removes others.
struct Assignment {
    expression: String,
    names: HashMap<String, String>,
    values: Item,
}

impl Assignment {
    fn of(item: Item, absent: &[&str]) -> Self {
        let names = item.keys().map(String::as_str).chain(absent.iter().copied());
        let names = names.map(|name| (format!("#{name}"), name.to_owned())).collect();
        let set: Vec<String> = item.keys().map(|name| format!("#{name} = :{name}")).collect();
        let mut expression = format!("SET {}", set.join(", "));
        if !absent.is_empty() {
            let remove: Vec<String> = absent.iter().map(|name| format!("#{name}")).collect();
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        let values = item.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
        Self { expression, names, values }
    }
}
