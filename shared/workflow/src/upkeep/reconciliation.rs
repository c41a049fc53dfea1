//! Reconciliation: whatever is due and did not move is moved again, and the Hub is asked for channels whose webhook
//! never came. Once a day it goes through all channels. One run costs a bounded number of Hub calls, however many onboardings wait.

use std::sync::Arc;
use std::time::Instant;

use onboarding::call_limit::Priority;
use onboarding::{Event, LEASE, Onboarding, OnboardingId, Status, Step};
use partner_hub::Channel;
use queue::Task;
use store::{Due, InboxKey, Lease, LeaseOutcome, Source, StoreError};
use time::Duration;
use vault::Vault;

use super::channel_sweep::ChannelSweep;
use super::lost_signup;
use super::overdue;
use crate::inbound::channel_event::{apply_live, fits};
use crate::runner::HubContext;
use crate::runner::StepError;
use crate::steps::proof::SignupProof;
use crate::task;

/// How many due items one run takes up. The rest is due at the next run.
const ITEMS_PER_RUN: u32 = 500;
/// How many pages of channels (200 each, newest first) one run reads.
const CHANNEL_PAGES_PER_RUN: u32 = 2;
/// How many clients' permission one run asks for; each costs a Hub call.
const PERMISSIONS_PER_RUN: usize = 2;
/// How many tokens of lost signups one run fetches; each costs about five calls to Meta.
const SIGNUPS_PER_RUN: usize = 5;
/// How long one run looks into them. The function has 60 seconds.
const FOR_META: std::time::Duration = std::time::Duration::from_secs(25);
/// When something that was moved again is looked at next.
const NEXT_LOOK: Duration = Duration::minutes(15);
/// When the Hub is asked again after it could not be: at the next run.
const NEXT_RUN: Duration = Duration::minutes(1);

/// Moves what is due.
#[derive(Clone)]
pub struct Reconciliation {
    /// For the Hub.
    pub context: HubContext,
    /// For signups that no page handed over.
    pub proof: SignupProof,
    /// Where keys are kept.
    pub vault: Arc<dyn Vault>,
}

/// What one run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Onboardings sent to a queue again.
    pub queued: usize,
    /// Webhooks in the inbox sent to the queue again.
    pub webhooks: usize,
    /// Onboardings whose link had run out.
    pub expired: usize,
    /// Onboardings that became overdue.
    pub overdue: usize,
    /// Channels found live at the Hub without a webhook.
    pub found_live: usize,
    /// Findings that a person was told of: unknown channels, missing keys.
    pub told: usize,
    /// Hub calls made.
    pub hub_calls: u32,
}

impl Reconciliation {
    /// One run.
    ///
    /// # Errors
    /// A sentence, if the table or a queue is out of reach. Nothing is lost: what is due stays due.
    pub async fn run(&self) -> Result<Reconciled, String> {
        let mut report = Reconciled::default();
        let mut submitted = Vec::new();
        let (mut permissions, mut reports) = (0, Vec::new());
        let due = self.context.store.due(self.context.clock.now(), ITEMS_PER_RUN).await.map_err(text)?;
        for item in due {
            match item {
                Due::Inbox(key) if key.source() == Source::Meta => reports.push(key),
                Due::Inbox(key) => self.webhook(&key, &mut report).await?,
                Due::Onboarding(id) => self.onboarding(&id, &mut report, &mut submitted, &mut permissions).await?,
            }
        }
        if !submitted.is_empty() {
            self.poll(submitted, &mut report).await?;
        }
        if let Err(stop) = (ChannelSweep { context: &self.context, vault: &self.vault }).run(&mut report).await {
            tracing::warn!(?stop, "the sweep of the channels goes on with the next run");
        }
        self.lost_signups(&reports).await?;
        tracing::info!(
            queued = report.queued,
            webhooks = report.webhooks,
            expired = report.expired,
            overdue = report.overdue,
            found_live = report.found_live,
            told = report.told,
            hub_calls = report.hub_calls,
            "reconciled"
        );
        Ok(report)
    }

    /// Looks into what Meta reports. Last, and not for long: Meta may be slow, and the rest must not wait for it.
    async fn lost_signups(&self, reports: &[InboxKey]) -> Result<(), String> {
        let (until, mut fetches) = (Instant::now() + FOR_META, SIGNUPS_PER_RUN);
        for key in reports {
            let settled = lost_signup::settle(&self.context, &self.proof, key, &mut fetches);
            let Ok(settled) = tokio::time::timeout_at(until.into(), settled).await else {
                tracing::warn!("Meta takes long; the next runs go on");
                return self.context.store.postpone(key, self.context.clock.now() + NEXT_LOOK).await.map_err(text);
            };
            settled.map_err(text)?;
        }
        Ok(())
    }

    async fn webhook(&self, key: &InboxKey, report: &mut Reconciled) -> Result<(), String> {
        let again = Task::Inbox { inbox_key: key.as_str().to_owned(), slot: None };
        self.context.queue.send(Step::KeyCreation, &again, Duration::ZERO).await.map_err(text)?;
        self.context.store.postpone(key, self.context.clock.now() + NEXT_LOOK).await.map_err(text)?;
        report.webhooks += 1;
        Ok(())
    }

    /// Moves one onboarding, unless a worker is at it.
    async fn onboarding(
        &self,
        id: &OnboardingId,
        report: &mut Reconciled,
        submitted: &mut Vec<(Lease, Onboarding)>,
        permissions: &mut usize,
    ) -> Result<(), String> {
        let now = self.context.clock.now();
        let (lease, onboarding) = match self.context.store.lease(id, LEASE).await {
            Ok(LeaseOutcome::Taken(lease, stored)) => (lease, stored.onboarding),
            Ok(LeaseOutcome::Held { .. }) | Err(StoreError::NotFound) => return Ok(()),
            // One that nobody can read must not keep the others from being moved.
            Err(error @ StoreError::Unreadable { .. }) => {
                tracing::error!(%error, onboarding_id = %id, "a person has to look at this record");
                return Ok(());
            }
            Err(error) => return Err(text(error)),
        };
        if let Some(since) = lease.overdue_at().filter(|overdue_at| *overdue_at <= now) {
            report.overdue += usize::from(overdue::mark(&self.context, &onboarding, since).await.map_err(text)?);
            // It is due again when it would have been without this.
            return self.context.store.release(&lease, None).await.map_err(text);
        }
        let expired =
            matches!(onboarding.status, Status::Started | Status::NumberChoice) && now >= onboarding.link_expires_at;
        if expired {
            self.context.store.apply(id, &Event::LinkExpired).await.map_err(text)?;
            report.expired += 1;
        } else if let Some(step) = Step::next(&onboarding) {
            self.context.queue.send(step, &task(id), Duration::ZERO).await.map_err(text)?;
            report.queued += 1;
        } else if onboarding.status == Status::Submitted {
            submitted.push((lease, onboarding));
            return Ok(());
        } else if onboarding.status == Status::PermissionRequired {
            // The others are looked at again after all that are due by then, so that they stand in nobody's way.
            if *permissions < PERMISSIONS_PER_RUN {
                *permissions += 1;
                self.context.queue.send(Step::KeyCreation, &task(id), Duration::ZERO).await.map_err(text)?;
                report.queued += 1;
            }
        }
        self.context.store.release(&lease, Some(now + NEXT_LOOK)).await.map_err(text)
    }

    /// Asks the Hub for its newest channels, once for all that wait.
    async fn poll(&self, submitted: Vec<(Lease, Onboarding)>, report: &mut Reconciled) -> Result<(), String> {
        let (channels, all_read) = self.newest_channels(report).await;
        for (lease, onboarding) in submitted {
            let live = channels.iter().find(|channel| channel.is_live() && fits(&onboarding, channel));
            if let Some(channel) = live
                && apply_live(&self.context, &onboarding.id, &channel.id).await.map_err(text)?
            {
                self.context.store.release(&lease, None).await.map_err(text)?;
                self.context
                    .queue
                    .send(Step::KeyCreation, &task(&onboarding.id), Duration::ZERO)
                    .await
                    .map_err(text)?;
                report.found_live += 1;
                continue;
            }
            let now = self.context.clock.now();
            // The longer nothing came, the more rarely the Hub is asked.
            let wait = (now - onboarding.updated_at).clamp(NEXT_LOOK, Duration::hours(6));
            let wait = if all_read { wait } else { NEXT_RUN };
            self.context.store.release(&lease, Some(now + wait)).await.map_err(text)?;
        }
        Ok(())
    }

    /// The newest channels, and whether all that one run reads could be read.
    async fn newest_channels(&self, report: &mut Reconciled) -> (Vec<Channel>, bool) {
        let (mut channels, mut offset) = (Vec::new(), Some(0));
        while let Some(from) = offset.filter(|_| report.hub_calls < CHANNEL_PAGES_PER_RUN) {
            match self.page(from, report).await {
                Ok((page, next)) => {
                    channels.extend(page);
                    offset = next;
                }
                Err(stop) => {
                    tracing::warn!(?stop, "channels not read; the next run reads them");
                    return (channels, false);
                }
            }
        }
        (channels, true)
    }

    async fn page(&self, offset: u32, report: &mut Reconciled) -> Result<(Vec<Channel>, Option<u32>), StepError> {
        let credentials = self.context.credentials().await?;
        self.context.acquire_call(Priority::Reconciliation, &mut None).await?;
        report.hub_calls += 1;
        let page = self.context.hub.channels_page(&credentials, offset).await?;
        Ok((page.channels, page.next_offset))
    }
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
