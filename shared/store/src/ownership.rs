//! Ownership: one number and one channel belong to one onboarding.
//!
//! A number is Meta's phone number id: one number may stand under several WABAs. Who proves it anew takes it over from an
//! onboarding at rest; a channel goes with its number. What a deleted onboarding had is taken over in the same way.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use onboarding::{ChannelId, Event, Onboarding, OnboardingId, PhoneNumberId, Status};
use serde::{Deserialize, Serialize};

use super::item::{self, Key, s};
use super::{Store, StoreError, Stored};

/// The attributes of a number's or a channel's item.
#[derive(Serialize, Deserialize)]
struct Ownership {
    onboarding_id: OnboardingId,
}

/// From whom a number or a channel is taken over.
pub(crate) enum Former {
    /// An onboarding at rest: it loses its number, and its channel with it.
    AtRest(Stored),
    /// An onboarding whose record was deleted.
    Deleted(OnboardingId),
}

impl Former {
    pub(crate) fn id(&self) -> &OnboardingId {
        match self {
            Self::AtRest(stored) => &stored.onboarding.id,
            Self::Deleted(id) => id,
        }
    }
}

/// Something that an onboarding claims for itself.
pub(crate) struct Claim {
    key: Key,
    /// What to say when it belongs to another.
    pub(crate) taken: StoreError,
}

impl Claim {
    /// What became known between the two records.
    pub(crate) fn between(before: &Onboarding, after: &Onboarding) -> Vec<Self> {
        let mut claims = Vec::new();
        let number = |onboarding: &Onboarding| onboarding.number().map(|(_, number)| number.id.clone());
        if let Some(id) = number(after).filter(|id| number(before).as_ref() != Some(id)) {
            claims.push(Self { key: Key::number(&id), taken: StoreError::NumberTaken });
        }
        if let Some(channel_id) = after.channel_id.as_ref().filter(|id| before.channel_id.as_ref() != Some(id)) {
            claims.push(Self { key: Key::channel(channel_id), taken: StoreError::ChannelTaken });
        }
        claims
    }

    /// The write that succeeds only if nobody else has it, but for the onboarding `from` whom it is taken.
    pub(crate) fn write(
        &self,
        table: &str,
        owner: &OnboardingId,
        from: Option<&OnboardingId>,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item::write(self.key.clone(), &Ownership { onboarding_id: owner.clone() })?))
            .condition_expression("attribute_not_exists(pk) OR onboarding_id = :me OR onboarding_id = :from")
            .expression_attribute_values(":me", s(owner.as_str()))
            .expression_attribute_values(":from", s(from.unwrap_or(owner).as_str()))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl Store {
    /// The onboarding to which a channel belongs.
    pub async fn channel_owner(&self, channel_id: &ChannelId) -> Result<Option<OnboardingId>, StoreError> {
        self.owner(Key::channel(channel_id)).await
    }

    /// The onboarding to which a number belongs.
    pub async fn number_owner(&self, phone_number_id: &PhoneNumberId) -> Result<Option<OnboardingId>, StoreError> {
        self.owner(Key::number(phone_number_id)).await
    }

    async fn owner(&self, key: Key) -> Result<Option<OnboardingId>, StoreError> {
        let Some(found) = self.read_item(key).await? else { return Ok(None) };
        Ok(Some(item::read::<Ownership>(found)?.onboarding_id))
    }

    /// The onboarding at rest, or deleted, that has the number which another one has proven anew; `None` if it keeps it. Of one
    /// that is ready the Hub is asked whether its channel has ended: if so, the next proof succeeds.
    pub(crate) async fn number_at_rest(&self, winner: &Onboarding) -> Result<Option<Former>, StoreError> {
        let Some((_, number)) = winner.number() else { return Ok(None) };
        let Some(owner) = self.number_owner(&number.id).await? else { return Ok(None) };
        let owner = match self.get(&owner).await {
            Ok(stored) => stored,
            Err(StoreError::NotFound) => return Ok(Some(Former::Deleted(owner))),
            Err(error) => return Err(error),
        };
        match owner.onboarding.status {
            _ if owner.onboarding.id == winner.id => Ok(None),
            // 360dialog is asked whether its channel has ended, so that the next proof may succeed.
            status if status == Status::Ready || owner.onboarding.open_channel_end().is_some() => {
                let event = Event::LookUpAsked { reason: "number_proven_elsewhere".to_owned() };
                self.apply(&owner.onboarding.id, &event).await?;
                Ok(None)
            }
            status => Ok(status.is_at_rest().then_some(Former::AtRest(owner))),
        }
    }

    /// The deleted onboarding that had the channel of this one; `None` if another one has it still. The proof of the number
    /// could not take the channel with it, because no record names it any more.
    pub(crate) async fn channel_of_deleted(&self, winner: &Onboarding) -> Result<Option<Former>, StoreError> {
        let Some(channel_id) = &winner.channel_id else { return Ok(None) };
        let Some(owner) = self.channel_owner(channel_id).await? else { return Ok(None) };
        match self.get(&owner).await {
            Err(StoreError::NotFound) => Ok(Some(Former::Deleted(owner))),
            Ok(_) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a channel up that goes with its number, if it is still this onboarding's.
    pub(crate) fn release_write(&self, owner: &Onboarding) -> Result<Option<TransactWriteItem>, StoreError> {
        let Some(channel_id) = &owner.channel_id else { return Ok(None) };
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::channel(channel_id).attributes()))
            .condition_expression("attribute_not_exists(pk) OR onboarding_id = :owner")
            .expression_attribute_values(":owner", s(owner.id.as_str()))
            .build()?;
        Ok(Some(TransactWriteItem::builder().delete(delete).build()))
    }
}
