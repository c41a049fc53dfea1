//! Bindings: one number and one channel belong to one onboarding.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::{ChannelId, Onboarding, OnboardingId, PhoneNumberId, WabaId};
use serde::{Deserialize, Serialize};

use super::item::{self, Key, s};
use super::{Store, StoreError};

/// The attributes of a binding.
#[derive(Serialize, Deserialize)]
struct Binding {
    onboarding_id: OnboardingId,
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
        let number = |onboarding: &Onboarding| onboarding.number().map(|(waba, number)| Key::number(waba, &number.id));
        if let Some(key) = number(after).filter(|key| number(before).as_ref() != Some(key)) {
            claims.push(Self { key, taken: StoreError::NumberTaken });
        }
        if let Some(channel_id) = after.channel_id.as_ref().filter(|id| before.channel_id.as_ref() != Some(id)) {
            claims.push(Self { key: Key::channel(channel_id), taken: StoreError::ChannelTaken });
        }
        claims
    }

    /// The write that succeeds only if nobody else has it.
    pub(crate) fn write(&self, table: &str, owner: &OnboardingId) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item::write(self.key.clone(), &Binding { onboarding_id: owner.clone() })?))
            .condition_expression("attribute_not_exists(pk) OR onboarding_id = :me")
            .expression_attribute_values(":me", s(owner.as_str()))
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
    pub async fn number_owner(
        &self,
        waba_id: &WabaId,
        phone_number_id: &PhoneNumberId,
    ) -> Result<Option<OnboardingId>, StoreError> {
        self.owner(Key::number(waba_id, phone_number_id)).await
    }

    async fn owner(&self, key: Key) -> Result<Option<OnboardingId>, StoreError> {
        let Some(found) = self.read_item(key).await? else { return Ok(None) };
        Ok(Some(item::read::<Binding>(found)?.onboarding_id))
    }
}
