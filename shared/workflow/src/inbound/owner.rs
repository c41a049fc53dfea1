//! Whose channel it is. Webhook, look-up and sweep ask here, and nowhere else.

use onboarding::{Event, Onboarding, OnboardingId};
use partner_hub::Channel;
use store::{Applied, Store, StoreError};

/// Whose channel it is, as far as the Hub has said what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This onboarding's: client account, WABA and number are its own.
    Ours(OnboardingId),
    /// An onboarding has its number, but the channel is of another client account or WABA than that onboarding's.
    Anothers,
    /// Of no onboarding that we have. One whose record was deleted, long after it ended, is none.
    Nobody,
    /// The Hub has not yet named client account, WABA and number.
    NotSaidYet,
}

/// Whose channel this is. `said`: the channel in the Hub's own words, never in those of a webhook: what anybody may have
/// written proves nothing.
///
/// A channel belongs to the onboarding that has its number (Meta's phone number id), if client account and WABA are that
/// onboarding's too. The Hub may leave Meta's id of the number out: then the number's digits stand for it, among the
/// onboardings of the client account.
pub(crate) async fn owner_of(store: &Store, said: &Channel) -> Result<Owner, StoreError> {
    // The number of a channel that was a deleted onboarding's may have been proven anew.
    if let Some(id) = store.channel_owner(&said.id).await?
        && exists(store, &id).await?
    {
        return Ok(Owner::Ours(id));
    }
    let (Some(client_id), Some(_)) = (&said.client_id, &said.waba_id) else { return Ok(Owner::NotSaidYet) };
    if let Some(phone_number_id) = &said.phone_number_id {
        let Some(id) = store.number_owner(phone_number_id).await? else { return Ok(Owner::Nobody) };
        let onboarding = match store.get(&id).await {
            Ok(stored) => stored.onboarding,
            Err(StoreError::NotFound) => return Ok(Owner::Nobody),
            Err(error) => return Err(error),
        };
        return Ok(if fits(&onboarding, said) { Owner::Ours(id) } else { Owner::Anothers });
    }
    let candidates = store.by_client(client_id).await?;
    let mut fitting = candidates.iter().map(|stored| &stored.onboarding).filter(|onboarding| fits(onboarding, said));
    match (fitting.next(), fitting.next()) {
        (Some(onboarding), None) => Ok(Owner::Ours(onboarding.id.clone())),
        _ => Ok(Owner::NotSaidYet),
    }
}

/// Whether an owner has its record still. One that cannot be read has.
async fn exists(store: &Store, id: &OnboardingId) -> Result<bool, StoreError> {
    match store.get(id).await {
        Ok(_) | Err(StoreError::Unreadable { .. }) => Ok(true),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Notes that an onboarding's channel was seen live at the Hub. Whether that was news.
pub(crate) async fn apply_live(store: &Store, id: &OnboardingId, said: &Channel) -> Result<bool, StoreError> {
    let event = Event::ChannelLive { channel_id: said.id.clone(), made_at: said.created_at };
    match store.apply(id, &event).await {
        Ok(applied) => Ok(matches!(applied, Applied::Changed(_))),
        Err(error @ (StoreError::Illegal(_) | StoreError::ChannelTaken)) => {
            tracing::warn!(%error, onboarding_id = %id, "live channel does not apply");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether a channel is that of an onboarding: client account, WABA and number are the same.
pub(crate) fn fits(onboarding: &Onboarding, said: &Channel) -> bool {
    let Some((waba_id, number)) = onboarding.number() else { return false };
    let same_number = if let Some(id) = &said.phone_number_id {
        *id == number.id
    } else {
        let digits = number.display_phone_number.as_deref().map(digits).filter(|digits| !digits.is_empty());
        digits.is_some() && digits == said.phone_number
    };
    onboarding.number_lost_to.is_none()
        && onboarding.client_id().is_some_and(|ours| said.client_id.as_ref() == Some(ours))
        && said.waba_id.as_ref() == Some(waba_id)
        && same_number
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
