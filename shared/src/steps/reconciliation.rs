//! Reconciliation: whatever is due and did not move is moved again, and the Hub is asked for channels whose webhook
//! never came. One run costs a bounded number of Hub calls, however many onboardings wait.

use time::Duration;

use super::channel_event::fits;
use super::hub_work::{HubWork, Stop};
use super::{next_worker, task};
use crate::hub::Channel;
use crate::hub::limit::Priority;
use crate::onboarding::{Event, Onboarding, OnboardingId, Status};
use crate::queue::{Task, Worker};
use crate::store::{Due, InboxKey, LeaseOutcome, StoreError};

/// How many due items one run takes up. The rest is due at the next run.
const ITEMS_PER_RUN: u32 = 500;
/// How many pages of channels (200 each, newest first) one run reads.
const CHANNEL_PAGES_PER_RUN: u32 = 2;
/// How many clients' permission one run asks for; each costs a Hub call.
const PERMISSIONS_PER_RUN: usize = 2;
/// When something that was moved again is looked at next.
const NEXT_LOOK: Duration = Duration::minutes(15);
/// Longer than the function's timeout.
const LEASE: Duration = Duration::seconds(90);

/// Moves what is due.
#[derive(Clone)]
pub struct Reconciliation {
    /// For the Hub.
    pub work: HubWork,
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
    /// Channels found live at the Hub without a webhook.
    pub found_live: usize,
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
        let mut permissions = 0;
        let due = self.work.store.due(self.work.clock.now(), ITEMS_PER_RUN).await.map_err(text)?;
        for item in due {
            match item {
                Due::Inbox(key) => self.webhook(&key, &mut report).await?,
                Due::Onboarding(id) => self.onboarding(&id, &mut report, &mut submitted, &mut permissions).await?,
            }
        }
        if !submitted.is_empty() {
            self.poll(&submitted, &mut report).await?;
        }
        tracing::info!(
            queued = report.queued,
            webhooks = report.webhooks,
            expired = report.expired,
            found_live = report.found_live,
            hub_calls = report.hub_calls,
            "reconciled"
        );
        Ok(report)
    }

    async fn webhook(&self, key: &InboxKey, report: &mut Reconciled) -> Result<(), String> {
        let again = Task::Inbox { inbox_key: key.as_str().to_owned(), slot: None };
        self.work.queue.send(Worker::KeyCreation, &again, Duration::ZERO).await.map_err(text)?;
        self.work.store.postpone(key, self.work.clock.now() + NEXT_LOOK).await.map_err(text)?;
        report.webhooks += 1;
        Ok(())
    }

    /// Moves one onboarding, unless a worker is at it.
    async fn onboarding(
        &self,
        id: &OnboardingId,
        report: &mut Reconciled,
        submitted: &mut Vec<Onboarding>,
        permissions: &mut usize,
    ) -> Result<(), String> {
        let now = self.work.clock.now();
        let (lease, onboarding) = match self.work.store.lease(id, LEASE).await {
            Ok(LeaseOutcome::Taken(lease, stored)) => (lease, stored.onboarding),
            Ok(LeaseOutcome::Held { .. }) | Err(StoreError::NotFound) => return Ok(()),
            Err(error) => return Err(text(error)),
        };
        let expired =
            matches!(onboarding.status, Status::Started | Status::NumberChoice) && now >= onboarding.link_expires_at;
        let mut next_look = Some(now + NEXT_LOOK);
        if expired {
            self.work.store.apply(id, &Event::LinkExpired).await.map_err(text)?;
            report.expired += 1;
        } else if let Some(worker) = next_worker(&onboarding) {
            self.work.queue.send(worker, &task(id), Duration::ZERO).await.map_err(text)?;
            report.queued += 1;
        } else if onboarding.status == Status::Submitted {
            // The longer nothing came, the more rarely the Hub is asked.
            next_look = Some(now + (now - onboarding.updated_at).clamp(NEXT_LOOK, Duration::hours(6)));
            submitted.push(onboarding);
        } else if onboarding.status == Status::PermissionRequired {
            if *permissions < PERMISSIONS_PER_RUN {
                *permissions += 1;
                self.work.queue.send(Worker::KeyCreation, &task(id), Duration::ZERO).await.map_err(text)?;
                report.queued += 1;
            } else {
                next_look = None;
            }
        }
        self.work.store.release(&lease, next_look).await.map_err(text)
    }

    /// Asks the Hub for its newest channels, once for all that wait.
    async fn poll(&self, submitted: &[Onboarding], report: &mut Reconciled) -> Result<(), String> {
        let mut offset = Some(0);
        while let Some(from) = offset.filter(|_| report.hub_calls < CHANNEL_PAGES_PER_RUN) {
            match self.page(from, report).await {
                Ok((channels, next)) => {
                    self.apply_live(submitted, &channels, report).await?;
                    offset = next;
                }
                Err(stop) => {
                    tracing::warn!(?stop, "channels not read; the next run reads them");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn page(&self, offset: u32, report: &mut Reconciled) -> Result<(Vec<Channel>, Option<u32>), Stop> {
        let credentials = self.work.credentials().await?;
        self.work.turn(Priority::Reconciliation, &mut None).await?;
        report.hub_calls += 1;
        let page = self.work.hub.channels_page(&credentials, offset).await?;
        Ok((page.channels, page.next_offset))
    }

    async fn apply_live(
        &self,
        submitted: &[Onboarding],
        channels: &[Channel],
        report: &mut Reconciled,
    ) -> Result<(), String> {
        for channel in channels.iter().filter(|channel| channel.is_live()) {
            let Some(onboarding) = submitted.iter().find(|onboarding| fits(onboarding, channel)) else { continue };
            let live = Event::ChannelLive { channel_id: channel.id.clone() };
            match self.work.store.apply(&onboarding.id, &live).await {
                Ok(_) => {}
                Err(error @ (StoreError::Illegal(_) | StoreError::ChannelTaken)) => {
                    tracing::warn!(%error, onboarding_id = %onboarding.id, "live channel does not apply");
                    continue;
                }
                Err(error) => return Err(text(error)),
            }
            report.found_live += 1;
            self.work.queue.send(Worker::KeyCreation, &task(&onboarding.id), Duration::ZERO).await.map_err(text)?;
        }
        Ok(())
    }
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
