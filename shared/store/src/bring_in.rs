//! A channel that was there before becomes an onboarding: in one transaction, so that it has either all that an onboarding has or
//! nothing.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::{Event, Onboarding, PartnerEvent, transition};

use super::also::Also;
use super::contention::{RaceBackoff, Transacted};
use super::history::HistoryEntry;
use super::import::{Import, ImportedChannel, Unsettled};
use super::ownership::{Claim, Former};
use super::{Store, StoreError, Stored, record};

/// What [`Store::bring_in`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BroughtIn {
    /// The onboarding is written.
    Done,
    /// Nothing is written: another message of the import was there first.
    Settled,
    /// Nothing is written: an onboarding has the channel, or has its number and is not at rest.
    Taken,
}

/// The number and the channel that an onboarding at rest, or a deleted one, had.
#[derive(Default)]
struct Formers {
    number: Option<Former>,
    channel: Option<Former>,
}

impl Store {
    /// Writes the onboarding of an imported channel: `started` as it was made, and after [`Event::Imported`]. Number and channel
    /// are taken over from an onboarding at rest.
    pub async fn bring_in(
        &self,
        import: &Import,
        channel: &ImportedChannel,
        started: &Onboarding,
        event: &Event,
    ) -> Result<BroughtIn, StoreError> {
        let before = Stored { onboarding: Box::new(started.clone()), version: 1 };
        let after = transition(started, event, self.clock.now()).map_err(StoreError::Illegal)?;
        let after = Stored { onboarding: Box::new(after.unwrap_or_else(|| started.clone())), version: 2 };
        let (mut formers, mut backoff) = (Formers::default(), RaceBackoff::default());
        loop {
            let number = formers.number.take();
            let writes = self.bring_in_writes(&before, &after, event, (number.as_ref(), formers.channel.as_ref()))?;
            let BringInWrites { mut writes, number_claim, channel_claim } = writes;
            let settles = writes.len();
            writes.push(self.channel_write(import, channel, Some(Unsettled))?);
            match self.transact(writes).await? {
                Transacted::Done => return Ok(BroughtIn::Done),
                Transacted::Contended => formers.number = number,
                Transacted::Refused(refused) if refused.contains(&settles) => return Ok(BroughtIn::Settled),
                Transacted::Refused(refused) if number_claim.is_some_and(|at| refused.contains(&at)) => {
                    formers.number = self.number_at_rest(&after.onboarding).await?;
                    if formers.number.is_none() && self.has_number_owner(&after.onboarding).await? {
                        return Ok(BroughtIn::Taken);
                    }
                }
                Transacted::Refused(refused) if channel_claim.is_some_and(|at| refused.contains(&at)) => {
                    formers = Formers { number, channel: self.channel_of_deleted(&after.onboarding).await? };
                    if formers.channel.is_none() && self.channel_owner(&channel.channel_id).await?.is_some() {
                        return Ok(BroughtIn::Taken);
                    }
                }
                // The onboarding at rest was changed meanwhile.
                Transacted::Refused(_) => {}
            }
            backoff.after_lost_race().await?;
        }
    }

    /// Whether the number is somebody's, and not given up meanwhile.
    async fn has_number_owner(&self, onboarding: &Onboarding) -> Result<bool, StoreError> {
        let Some((_, number)) = onboarding.number() else { return Ok(false) };
        Ok(self.number_owner(&number.id).await?.is_some())
    }

    fn bring_in_writes(
        &self,
        before: &Stored,
        after: &Stored,
        event: &Event,
        (number, channel): (Option<&Former>, Option<&Former>),
    ) -> Result<BringInWrites, StoreError> {
        let (id, now) = (&after.onboarding.id, self.clock.now());
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(record::to_item(&after.onboarding, after.version)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        let mut writes = vec![TransactWriteItem::builder().put(put).build()];
        let told = PartnerEvent::of_change(&before.onboarding, &before.onboarding, 1, &Event::Started);
        let first = HistoryEntry::first(&before.onboarding).writes(&self.table, id, told.as_ref(), now)?;
        let then = self.entry_writes(before, after, event)?;
        writes.extend([first.entry, then.entry]);
        writes.extend(first.delivery.into_iter().chain(then.delivery));
        let (mut number_claim, mut channel_claim) = (None, None);
        for claim in Claim::between(&before.onboarding, &after.onboarding) {
            let from = if let StoreError::NumberTaken = claim.taken {
                number_claim = Some(writes.len());
                number
            } else {
                channel_claim = Some(writes.len());
                // It goes with its number.
                channel.or(number)
            };
            writes.push(claim.write(&self.table, id, from.map(Former::id))?);
        }
        if let Some(Former::AtRest(loser)) = number {
            let has_channel =
                loser.onboarding.channel_id.is_some() && loser.onboarding.channel_id == after.onboarding.channel_id;
            writes.extend(self.lost_writes(loser, id, !has_channel)?);
        }
        let also = Also::of(&self.table, &before.onboarding, &after.onboarding, event, None)?;
        writes.extend(also.into_iter().map(|also| also.write));
        Ok(BringInWrites { writes, number_claim, channel_claim })
    }
}

/// The writes of an onboarding that is brought in, and where among them the number and the channel are claimed.
struct BringInWrites {
    writes: Vec<TransactWriteItem>,
    number_claim: Option<usize>,
    channel_claim: Option<usize>,
}
