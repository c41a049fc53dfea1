//! Once a day, all channels and then all client accounts at the Hub, a page with each permit.

use std::sync::Arc;
use std::time::Instant;

use partner_hub::HubError;
use store::{SweepPage, SweptList};
use time::Duration;
use vault::Vault;

use super::channel_check::ChannelCheck;
use super::duplicate_client;
use crate::runner::{HubContext, PermittedWork, StepError};

/// From the end of one sweep to the beginning of the next.
pub(crate) const PAUSE: Duration = Duration::hours(24);

/// How soon a page is read again that the Hub did not give.
const FAILED_PAGE: Duration = Duration::minutes(15);

/// What the sweep needs.
#[derive(Clone)]
pub(crate) struct DailySweep<'a> {
    pub(crate) context: &'a HubContext,
    pub(crate) vault: &'a Arc<dyn Vault>,
}

/// Where the next page of the list begins; `None` after the last one.
type Read = Result<Option<u32>, HubError>;

impl DailySweep<'_> {
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
        let page = self.context.store.sweep_page().await?;
        let read = match page.list {
            SweptList::Channels => self.channels(permitted, page.offset).await?,
            SweptList::Clients => self.clients(permitted, page.offset).await?,
        };
        let now = self.context.clock.now();
        let (next, at) = match (page.list, &read) {
            (_, Ok(Some(offset))) => (SweepPage { offset: *offset, ..page }, now),
            (SweptList::Channels, Ok(None)) => {
                (SweepPage { list: SweptList::Clients, offset: 0, channels_at: Some(now + PAUSE) }, now)
            }
            // A refusal to list the client accounts must not keep the channels from being read.
            (SweptList::Clients, Ok(None) | Err(HubError::Permanent { .. })) => (SweepPage::default(), now + PAUSE),
            // Nor must one that stays unreadable, for longer than until the channels are due again.
            (SweptList::Clients, Err(_)) if page.channels_at.is_none_or(|at| at <= now + FAILED_PAGE) => {
                (SweepPage::default(), now + FAILED_PAGE)
            }
            // That it failed is a result: the page is due again later.
            (_, Err(_)) => (page, now + FAILED_PAGE),
        };
        self.context.store.sweep_on(next, at).await?;
        Ok(read.map(drop)?)
    }

    async fn channels(&self, permitted: &PermittedWork, offset: u32) -> Result<Read, StepError> {
        let hub = &self.context.hub;
        let answer =
            self.context.call(permitted, async |authorization| hub.channels_page(authorization, offset).await).await?;
        let page = match answer {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        ChannelCheck { context: self.context, vault: self.vault }.check_all(&page.channels).await?;
        Ok(Ok(page.next_offset))
    }

    async fn clients(&self, permitted: &PermittedWork, offset: u32) -> Result<Read, StepError> {
        let hub = &self.context.hub;
        let answer =
            self.context.call(permitted, async |authorization| hub.clients_page(authorization, offset).await).await?;
        let page = match answer {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        duplicate_client::tell_all(&self.context.store, &self.context.clock, &page.clients).await?;
        Ok(Ok(page.next_offset))
    }
}
