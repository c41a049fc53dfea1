//! Once a day, all channels at the Hub, a page with each permit: live ones whose webhook never came, those that no
//! onboarding knows, which cost the partner money, and keys that are gone from the vault.

use std::sync::Arc;
use std::time::Instant;

use onboarding::{ChannelId, Onboarding, OnboardingId, Problem, Status, Step};
use partner_hub::Channel;
use store::StoreError;
use telemetry::Metric;
use time::Duration;
use vault::Vault;

use crate::inbound::owner::{Owner, apply_live, owner_of};
use crate::runner::{HubContext, PermittedWork, StepError};
use crate::upkeep::look_up::found_live;

/// From the end of one sweep to the beginning of the next.
pub(crate) const PAUSE: Duration = Duration::hours(24);

/// How soon a page is read again that the Hub did not give.
const FAILED_PAGE: Duration = Duration::minutes(15);

/// What the sweep needs.
#[derive(Clone)]
pub(crate) struct ChannelSweep<'a> {
    pub(crate) context: &'a HubContext,
    pub(crate) vault: &'a Arc<dyn Vault>,
}

impl ChannelSweep<'_> {
    /// Reads the next page.
    ///
    /// # Errors
    /// A sentence, if nothing could be recorded. The page is due again by itself.
    pub(crate) async fn run(&self, permitted: &PermittedWork) -> Result<(), String> {
        let started = Instant::now();
        let swept = self.next_page(permitted).await;
        let outcome = swept.as_ref().map_or_else(StepError::outcome, |()| "done");
        telemetry::step("sweep", outcome, started, swept.as_ref().err().and_then(StepError::reason));
        match swept {
            Err(StepError::Unavailable(reason)) => Err(reason),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn next_page(&self, permitted: &PermittedWork) -> Result<(), StepError> {
        let offset = self.context.store.sweep_offset().await?;
        let call = self
            .context
            .call(permitted, async |authorization| self.context.hub.channels_page(authorization, offset).await);
        let page = match call.await? {
            Ok(page) => page,
            // That it failed is a result: the page is due again later.
            Err(error) => {
                self.context.store.sweep_on(offset, self.context.clock.now() + FAILED_PAGE).await?;
                return Err(error.into());
            }
        };
        let (mut checked, mut failure) = (0, None);
        for channel in page.channels.iter().filter(|channel| channel.is_live()) {
            match self.check(channel).await {
                Ok(()) => checked += 1,
                Err(stop) => {
                    tracing::warn!(?stop, channel_id = %channel.id, "a channel could not be looked into");
                    failure = Some(stop);
                }
            }
        }
        // One that can never be looked into must not keep the sweep at its page; if none could be, it is not the channels.
        if let Some(stop) = failure.filter(|_| checked == 0) {
            return Err(stop);
        }
        let now = self.context.clock.now();
        let (next, at) = page.next_offset.map_or((0, now + PAUSE), |next| (next, now));
        Ok(self.context.store.sweep_on(next, at).await?)
    }

    async fn check(&self, channel: &Channel) -> Result<(), StepError> {
        let Owner::Ours(id) = owner_of(&self.context.store, channel).await? else {
            let what =
                Classification { metric: Metric::ChannelUnknown, text: "a live channel that no onboarding knows" };
            return self.tell(&channel.id, None, what).await;
        };
        let onboarding = match self.context.store.get(&id).await {
            Ok(stored) => stored.onboarding,
            // A person has been told of it where it was found due.
            Err(StoreError::NotFound | StoreError::Unreadable { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match onboarding.status {
            // The submission may have had its effect although it was refused the second time.
            Status::SignedUp | Status::Submitted | Status::Failed if waits_for_channel(&onboarding) => {
                found_live(&self.context.store, &onboarding, channel).await?;
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
                self.tell(&channel.id, Some(&id), what).await
            }
            _ => Ok(()),
        }
    }

    /// Tells the partner, once in a while.
    async fn tell(
        &self,
        channel_id: &ChannelId,
        onboarding_id: Option<&OnboardingId>,
        what: Classification,
    ) -> Result<(), StepError> {
        if self.context.store.first_report(channel_id, what.metric.as_str()).await? {
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
