//! Checks the channels that the daily sweep finds at the Hub: those that are live or have ended and whose webhook never came, live
//! ones that no onboarding knows, which cost the partner money, and those whose keys are gone from the vault.

use std::sync::Arc;

use onboarding::{ChannelId, Event, Onboarding, OnboardingId, PartnerEvent, Problem, Status, Step};
use partner_hub::{Channel, ChannelStage};
use store::{Reported, StoreError};
use telemetry::Metric;
use vault::Vault;

use crate::inbound::owner::{Owner, apply_live, owner_of};
use crate::runner::{HubContext, StepError};
use crate::upkeep::look_up::found_live;

/// What the check needs.
#[derive(Clone)]
pub(super) struct ChannelCheck<'a> {
    pub(super) context: &'a HubContext,
    pub(super) vault: &'a Arc<dyn Vault>,
}

impl ChannelCheck<'_> {
    /// Looks into each of these channels that is live or has ended.
    pub(super) async fn check_all(&self, channels: &[Channel]) -> Result<(), StepError> {
        let (mut checked, mut failure) = (0, None);
        for channel in channels {
            let outcome = match channel.stage() {
                ChannelStage::Live => self.check(channel).await,
                ChannelStage::Ended => self.ended(channel).await,
                ChannelStage::Other => continue,
            };
            match outcome {
                Ok(()) => checked += 1,
                Err(stop) => {
                    tracing::warn!(?stop, channel_id = %channel.id, "a channel could not be looked into");
                    failure = Some(stop);
                }
            }
        }
        // One that can never be looked into must not keep the sweep at its page; if none could be, it is not the channels.
        failure.filter(|_| checked == 0).map_or(Ok(()), Err)
    }

    async fn check(&self, channel: &Channel) -> Result<(), StepError> {
        let Owner::Ours(id) = owner_of(&self.context.store, channel).await? else { return self.unknown(channel).await };
        let onboarding = match self.context.store.get(&id).await {
            Ok(stored) => stored.onboarding,
            // A person has been told of it where it was found due.
            Err(StoreError::NotFound | StoreError::Unreadable { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match onboarding.status {
            _ if onboarding.erased_at.is_some() => return self.unknown(channel).await,
            // The submission may have had its effect although it was refused the second time.
            Status::SignedUp | Status::Submitted | Status::Failed if waits_for_channel(&onboarding) => {
                found_live(&self.context.store, &onboarding, channel).await?;
                Ok(())
            }
            // It is to end, and was not seen before.
            Status::Cancelled if onboarding.channel_id.is_none() => {
                apply_live(&self.context.store, &id, channel).await?;
                Ok(())
            }
            // The number's next channel, if it is one.
            Status::Ready | Status::PermissionRequired if onboarding.channel_id.as_ref() != Some(&channel.id) => {
                apply_live(&self.context.store, &id, channel).await?;
                Ok(())
            }
            Status::Ready if !self.vault.holds(&channel.id).await? => {
                let what = Classification {
                    metric: Metric::KeyMissing,
                    text: "the vault no longer holds the key of a channel",
                };
                self.tell(&channel.id, Some(&id), what, None).await
            }
            _ => Ok(()),
        }
    }

    /// Tells of a live channel that costs the partner money, and whose onboarding is not there or was erased.
    async fn unknown(&self, channel: &Channel) -> Result<(), StepError> {
        let what = Classification { metric: Metric::ChannelUnknown, text: "a live channel that no onboarding knows" };
        let event = PartnerEvent::channel_unknown(
            &channel.id,
            channel.client_id.as_ref(),
            channel.waba_id.as_ref(),
            channel.phone_number_id.as_ref(),
        );
        self.tell(&channel.id, None, what, Some(&event)).await
    }

    /// The Hub's word that the channel of an onboarding has ended.
    async fn ended(&self, channel: &Channel) -> Result<(), StepError> {
        let Some(id) = self.context.store.channel_owner(&channel.id).await? else { return Ok(()) };
        let event = Event::ChannelEnded { channel_id: channel.id.clone() };
        match self.context.store.apply(&id, &event).await {
            Ok(_) | Err(StoreError::NotFound | StoreError::Unreadable { .. } | StoreError::Illegal(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the partner, once in a while: by a metric, and by an event where there is one.
    async fn tell(
        &self,
        channel_id: &ChannelId,
        onboarding_id: Option<&OnboardingId>,
        what: Classification,
        event: Option<&PartnerEvent>,
    ) -> Result<(), StepError> {
        if self.context.store.first_report(Reported::Channel(channel_id), what.metric.as_str(), event).await? {
            let onboarding_id = onboarding_id.map(OnboardingId::as_str);
            tracing::warn!(%channel_id, onboarding_id, "{}", what.text);
            telemetry::count(what.metric, 1);
        }
        Ok(())
    }
}

/// Whether a live channel is news: the number is known, and not known to be connected.
fn waits_for_channel(onboarding: &Onboarding) -> bool {
    let refused = |problem: &Problem| problem.step == Step::NumberSubmission;
    onboarding.status != Status::Failed || onboarding.problem.as_ref().is_some_and(refused)
}

/// What is wrong with a channel: how it is counted, and how the log says it.
struct Classification {
    metric: Metric,
    text: &'static str,
}
