//! The only way in which a record changes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use onboarding::{Event, OnboardingId, transition};

use super::binding::Claim;
use super::contention::{RaceBackoff, Transacted};
use super::history::HistoryEntry;
use super::item::{Item, Key, n};
use super::record::{self, OPTIONAL};
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
    /// The record after the event.
    pub fn into_stored(self) -> Stored {
        match self {
            Self::Changed(stored) | Self::Unchanged(stored) => stored,
        }
    }
}

impl Store {
    /// Applies an event to a record. What it changes is written in one transaction: the record, an entry of its history,
    /// and the bindings of a number or channel that became known. Whoever loses a race applies the event to the winner's
    /// record.
    pub async fn apply(&self, id: &OnboardingId, event: &Event) -> Result<Applied, StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let before = self.get(id).await?;
            let after = transition(&before.onboarding, event, self.clock.now()).map_err(StoreError::Illegal)?;
            let Some(onboarding) = after else { return Ok(Applied::Unchanged(before)) };
            let after = Stored { onboarding, version: before.version + 1 };
            if self.replace(&before, &after, event).await? {
                return Ok(Applied::Changed(after));
            }
            backoff.after_lost_race().await?;
        }
    }

    /// Writes what an event changed; `false` if somebody else was there first.
    async fn replace(&self, before: &Stored, after: &Stored, event: &Event) -> Result<bool, StoreError> {
        const RECORD: usize = 0;
        const FIRST_CLAIM: usize = 2;

        let id = &after.onboarding.id;
        let entry = HistoryEntry {
            version: after.version,
            at: after.onboarding.updated_at,
            event: event.clone(),
            from: before.onboarding.status,
            to: after.onboarding.status,
        };
        let claims = Claim::between(&before.onboarding, &after.onboarding);
        let mut writes = vec![self.record_write(before.version, after)?, entry.write(&self.table, id)?];
        for claim in &claims {
            writes.push(claim.write(&self.table, id)?);
        }

        let refused = match self.transact(writes).await? {
            Transacted::Done => return Ok(true),
            Transacted::Contended => return Ok(false),
            Transacted::Refused(refused) => refused,
        };
        // With another version of the record the event may claim nothing, so the claims do not count yet.
        if refused.contains(&RECORD) {
            return Ok(false);
        }
        let taken = claims.into_iter().enumerate().find(|(number, _)| refused.contains(&(FIRST_CLAIM + number)));
        taken.map_or(Ok(false), |(_, claim)| Err(claim.taken))
    }

    /// An update and not a put: the attributes of a lease stay.
    fn record_write(&self, version: u64, after: &Stored) -> Result<TransactWriteItem, StoreError> {
        let mut item = record::to_item(&after.onboarding, after.version, &self.longest_waits)?;
        item.retain(|name, _| name != "pk" && name != "sk");
        let Assignment { expression, names, mut values } = Assignment::of(item);
        values.insert(":before".to_owned(), n(version));
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::onboarding(&after.onboarding.id).attributes()))
            .update_expression(expression)
            .condition_expression("version = :before")
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

/// An update expression that sets the attributes of an item and removes the optional ones that it lacks.
struct Assignment {
    expression: String,
    names: HashMap<String, String>,
    values: Item,
}

impl Assignment {
    fn of(item: Item) -> Self {
        let absent: Vec<&str> = OPTIONAL.into_iter().filter(|name| !item.contains_key(*name)).collect();
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
