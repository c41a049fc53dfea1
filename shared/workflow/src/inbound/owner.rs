//! Whose channel it is.

use onboarding::{ChannelId, Event, Onboarding, OnboardingId, PhoneNumberId, WabaId};
use partner_hub::Channel;
use store::{Store, StoreError};

/// Whose channel it is, as far as the Hub has said what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This onboarding's.
    Ours(OnboardingId),
    /// Of no onboarding that we have. The Hub has named client account, WABA and number.
    Nobody,
    /// Of none as far as we know, and the Hub has not yet named all three.
    NotSaidYet,
}

/// Whose channel it is: the onboarding that is bound to it, else the one with its number, else the only one with its client
/// account that it fits. The one place to ask.
pub(crate) async fn owner_of(store: &Store, channel: &Channel) -> Result<Owner, StoreError> {
    if let Some(id) = store.channel_owner(&channel.id).await? {
        return Ok(Owner::Ours(id));
    }
    if let (Some(waba_id), Some(phone_number_id)) = (&channel.waba_id, &channel.phone_number_id)
        && let Some(id) = store.number_owner(waba_id, phone_number_id).await?
    {
        return Ok(Owner::Ours(id));
    }
    if let Some(client_id) = &channel.client_id {
        let candidates = store.by_client(client_id).await?;
        let mut fitting =
            candidates.iter().map(|stored| &stored.onboarding).filter(|onboarding| fits(onboarding, channel));
        if let (Some(onboarding), None) = (fitting.next(), fitting.next()) {
            return Ok(Owner::Ours(onboarding.id.clone()));
        }
    }
    let told_all = channel.client_id.is_some() && channel.waba_id.is_some() && channel.phone_number_id.is_some();
    Ok(if told_all { Owner::Nobody } else { Owner::NotSaidYet })
}

/// Notes that an onboarding's channel was seen live at the Hub. Whether it is the onboarding's.
pub(crate) async fn apply_live(store: &Store, id: &OnboardingId, channel_id: &ChannelId) -> Result<bool, StoreError> {
    match store.apply(id, &Event::ChannelLive { channel_id: channel_id.clone() }).await {
        Ok(_) => Ok(true),
        Err(error @ (StoreError::Illegal(_) | StoreError::ChannelTaken)) => {
            tracing::warn!(%error, onboarding_id = %id, "live channel does not apply");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether a channel is that of an onboarding: nothing that both name differs, and the number is named by both.
fn fits(onboarding: &Onboarding, channel: &Channel) -> bool {
    let Some((waba_id, number)) = onboarding.number() else { return false };
    if onboarding.channel_id.as_ref().is_some_and(|id| *id == channel.id) {
        return true;
    }
    let agrees = |ours: &str, theirs: Option<&str>| theirs.is_none_or(|theirs| theirs == ours);
    if onboarding.client_id().zip(channel.client_id.as_ref()).is_some_and(|(ours, theirs)| ours != theirs) {
        return false;
    }
    let digits = number.display_phone_number.as_deref().map(digits);
    let same_id = channel.phone_number_id.as_ref().is_some_and(|id| *id == number.id);
    let same_digits = digits.is_some() && digits == channel.phone_number;
    agrees(waba_id.as_str(), channel.waba_id.as_ref().map(WabaId::as_str))
        && agrees(number.id.as_str(), channel.phone_number_id.as_ref().map(PhoneNumberId::as_str))
        && (same_id || same_digits)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
