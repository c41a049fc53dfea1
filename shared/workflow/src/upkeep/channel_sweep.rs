//! Once a day, all channels at the Hub, a page with each run of reconciliation: live ones whose webhook never came, those
//! that no onboarding knows, which cost the partner money, and keys that are gone from the vault.

use std::sync::Arc;

use onboarding::call_limit::Priority;
use onboarding::{ChannelId, Onboarding, OnboardingId, Problem, Status, Step};
use partner_hub::{Channel, ChannelsPage};
use store::StoreError;
use telemetry::Metric;
use time::Duration;
use vault::Vault;

use super::reconciliation::Reconciled;
use crate::inbound::channel_event::{apply_live, owner};
use crate::runner::HubContext;
use crate::runner::StepError;
use crate::task;

/// From the end of one sweep to the beginning of the next.
const PAUSE: Duration = Duration::hours(24);

/// What the sweep needs.
#[derive(Clone)]
pub(crate) struct ChannelSweep<'a> {
    pub(crate) context: &'a HubContext,
    pub(crate) vault: &'a Arc<dyn Vault>,
}

impl ChannelSweep<'_> {
    /// Reads the next page, if it is time.
    pub(crate) async fn run(&self, report: &mut Reconciled) -> Result<(), StepError> {
        let now = self.context.clock.now();
        let Some(offset) = self.context.store.sweep_due(now + PAUSE).await? else { return Ok(()) };
        let page = self.page(offset, report).await?;
        let (mut checked, mut failure) = (0, None);
        for channel in page.channels.iter().filter(|channel| channel.is_live()) {
            match self.check(channel, report).await {
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
        let (next, at) = page.next_offset.map_or((0, now + PAUSE), |next| (next, now));
        Ok(self.context.store.sweep_on(next, at).await?)
    }

    async fn page(&self, offset: u32, report: &mut Reconciled) -> Result<ChannelsPage, StepError> {
        let credentials = self.context.credentials().await?;
        self.context.acquire_call(Priority::Reconciliation, &mut None).await?;
        report.hub_calls += 1;
        Ok(self.context.hub.channels_page(&credentials, offset).await?)
    }

    async fn check(&self, channel: &Channel, report: &mut Reconciled) -> Result<(), StepError> {
        let Some(id) = owner(self.context, channel).await? else {
            let what =
                Classification { metric: Metric::ChannelUnknown, text: "a live channel that no onboarding knows" };
            return self.tell(&channel.id, None, what, report).await;
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
                if apply_live(self.context, &id, &channel.id).await? {
                    report.found_live += 1;
                    self.context.queue.send(Step::KeyCreation, &task(&id), Duration::ZERO).await?;
                }
                Ok(())
            }
            Status::Ready if !self.vault.holds(&channel.id).await? => {
                let what = Classification {
                    metric: Metric::KeyMissing,
                    text: "the vault no longer holds the key of a channel",
                };
                self.tell(&channel.id, Some(&id), what, report).await
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
        report: &mut Reconciled,
    ) -> Result<(), StepError> {
        if self.context.store.first_report(channel_id, what.metric.as_str()).await? {
            let onboarding_id = onboarding_id.map(OnboardingId::as_str);
            tracing::warn!(%channel_id, onboarding_id, "{}", what.text);
            telemetry::count(what.metric, 1);
            report.told += 1;
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
