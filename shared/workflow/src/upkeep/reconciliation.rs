//! Reconciliation, every five minutes: links that run out, signups that Meta has not confirmed yet, what Meta reports, records
//! that are no longer kept, and whether the dispatcher is alive. It calls nobody at the Hub.

use std::time::{Duration as StdDuration, Instant};

use exchange::Clock;
use onboarding::limiter::{Health, from_milliseconds, milliseconds};
use onboarding::{Class, Event, LongestWaits, OnboardingId, Status};
use store::{Due, Source, Store, StoreError, Stored, WorkKey};
use telemetry::Metric;
use time::Duration;

use super::{daily_sweep, key_deletion, overdue, retention, unclaimed_signup};
use crate::steps::Confirmation;

/// How many due items one run takes up. The rest is due at the next run.
const ITEMS_PER_RUN: u32 = 500;
/// How long one run may last if nobody says when it has to end.
const USUAL_RUN: StdDuration = StdDuration::from_secs(50);
/// A popup that was opened at the last moment is on record by then.
const LATE: Duration = Duration::minutes(1);

/// What the upkeep needs of the bundle.
#[derive(Clone)]
pub struct UpkeepContext {
    /// The table.
    pub store: Store,
    /// The partner's solution with 360dialog.
    pub solution_id: String,
    /// Whether the partner is told of signups at Meta that no onboarding has.
    pub notify_unclaimed: bool,
    /// The time.
    pub clock: Clock,
}

/// Looks after what nobody else does.
#[derive(Clone)]
pub struct Reconciliation {
    /// What it works with.
    pub context: UpkeepContext,
    /// For signups that Meta has not confirmed yet.
    pub confirmation: Confirmation,
    /// After which time in one status an onboarding is overdue.
    pub longest_waits: LongestWaits,
    /// How long the record of an onboarding is kept that has ended.
    pub retention: Duration,
    /// How long the keys of a channel are kept that has ended.
    pub keys_kept: Duration,
}

/// What one run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Onboardings whose link had run out.
    pub expired: usize,
    /// Signups that Meta was asked about again.
    pub confirmations: usize,
    /// Onboardings that became overdue.
    pub overdue: usize,
    /// Reports of Meta that were looked into.
    pub reports: usize,
    /// Onboardings that were deleted, long after they ended.
    pub deleted: usize,
    /// How much work waits for the dispatcher.
    pub line_length: u32,
    /// For how long the dispatcher has left it alone, in seconds: since the first of it became due, or a permit was given.
    pub line_oldest_seconds: u64,
}

impl Reconciliation {
    /// One run, which ends before `deadline`.
    ///
    /// # Errors
    /// A sentence, if the table is out of reach. Nothing is lost: what is due stays due.
    pub async fn run(&self, deadline: Option<Instant>) -> Result<Reconciled, String> {
        let begun = Instant::now();
        let deadline = deadline.unwrap_or(begun + USUAL_RUN);
        // Each part has its share of the time, and leaves what it does not need to those after it.
        let share = |part: u32| begun + deadline.saturating_duration_since(begun) * part / 10;
        let mut report = Reconciled::default();
        self.context.store.ensure_sweep(self.context.clock.now() + daily_sweep::PAUSE).await.map_err(text)?;
        self.watch_dispatcher(&mut report).await.map_err(text)?;
        // A part that fails does not keep the others from their work.
        let overdue = overdue::mark_all(&self.context, &self.longest_waits, share(3)).await.map_err(text);
        let due = self.context.store.due(Class::Reconciliation, self.context.clock.now(), ITEMS_PER_RUN).await;
        let due = due.map_err(text)?;
        overdue::mark_rotations(&self.context, &due, share(4)).await;
        self.expire(&due, share(5), &mut report).await;
        self.reports(&due, share(6), &mut report).await;
        let deleted = retention::delete_past(&self.context, self.retention, &due, share(7)).await.map_err(text);
        // Last, because Meta may be slow.
        self.confirm(&due, share(9), &mut report).await;
        report.deleted = deleted?;
        report.overdue = overdue?;
        let Reconciled { expired, confirmations, overdue, reports, deleted, line_length, line_oldest_seconds } = report;
        tracing::info!(
            expired,
            confirmations,
            overdue,
            reports,
            deleted,
            line_length,
            line_oldest_seconds,
            "reconciled"
        );
        Ok(report)
    }

    /// Says how much work waits, and for how long nobody has served it. The alarm on that says that the dispatcher is dead: a
    /// line may be long because the Hub's limit is small, and then permits are given all the time.
    async fn watch_dispatcher(&self, report: &mut Reconciled) -> Result<(), StoreError> {
        let (now, limiter) = (self.context.clock.now(), self.context.store.limiter().await?);
        let served_at = limiter.last_given().map(from_milliseconds);
        for class in [Class::Free, Class::Delivery].into_iter().chain(Class::WITH_PERMIT) {
            report.line_length += self.context.store.count_due(class, now).await?;
            if let Some(first) = self.context.store.due(class, now, 1).await?.first() {
                let served_at = served_at.filter(|_| class.takes_permit());
                let since = served_at.map_or(first.due_at, |at| at.max(first.due_at));
                let seconds = (now - since).whole_seconds().try_into().unwrap_or(0);
                report.line_oldest_seconds = report.line_oldest_seconds.max(seconds);
            }
        }
        // While the Hub is down the line is long for another reason, of which another alarm tells.
        let well = limiter.health(milliseconds(now)) == Health::Well;
        telemetry::count(Metric::LineLength, report.line_length.into());
        telemetry::count(Metric::LineOldestSeconds, if well { report.line_oldest_seconds } else { 0 });
        Ok(())
    }

    /// Ends the links that have run out, and has the keys deleted of channels that ended long enough ago.
    async fn expire(&self, due: &[Due], until: Instant, report: &mut Reconciled) {
        for due in due {
            if let WorkKey::Onboarding(id) = &due.key
                && Instant::now() < until
            {
                // One that cannot be read, or written just now, does not keep the others from being looked at.
                match self.expire_one(due, id, until).await {
                    Ok(expired) => report.expired += usize::from(expired),
                    Err(error) => {
                        tracing::error!(%error, onboarding_id = %id, "a person has to look at this record");
                    }
                }
            }
        }
    }

    /// Ends a link that has run out, unless the customer is in the popup: what is finished there still counts. Whether it ended.
    async fn expire_one(&self, due: &Due, id: &OnboardingId, until: Instant) -> Result<bool, StoreError> {
        let store = &self.context.store;
        let stored = store.get(id).await?;
        if stored.onboarding.status == Status::Confirming {
            self.confirm_one(stored, until).await;
            return Ok(false);
        }
        if let Some(since) = stored.onboarding.keys_idle_since() {
            key_deletion::due_or_defer(&self.context, self.keys_kept, due, id, since).await?;
            return Ok(false);
        }
        let open_until = store.popup(id).await?.open_until();
        let last = stored.onboarding.link_expires_at + LATE;
        let end = open_until.map_or(last, |until| until.max(last));
        if self.context.clock.now() < end {
            store.defer(due, Class::Reconciliation, end).await?;
            return Ok(false);
        }
        Ok(store.apply(id, &Event::LinkExpired).await?.is_change_to(Status::Expired))
    }

    /// Looks into what Meta reports.
    async fn reports(&self, due: &[Due], until: Instant, report: &mut Reconciled) {
        for Due { key, .. } in due {
            if let WorkKey::Inbox(key) = key
                && key.source() == Source::Meta
                && Instant::now() < until
            {
                // One that cannot be settled now does not keep the others from being looked into.
                match unclaimed_signup::settle(&self.context, key).await {
                    Ok(()) => report.reports += 1,
                    Err(error) => tracing::error!(%error, "a report of Meta's could not be looked into"),
                }
            }
        }
    }

    /// Asks Meta again whose the signups are that it has not confirmed yet.
    async fn confirm(&self, due: &[Due], until: Instant, report: &mut Reconciled) {
        for Due { key, .. } in due {
            if let WorkKey::Confirmation(id) = key
                && Instant::now() < until
            {
                match self.context.store.get(id).await {
                    Ok(stored) => self.confirm_one(stored, until).await,
                    Err(error) => {
                        tracing::error!(%error, onboarding_id = %id, "a person has to look at this record");
                    }
                }
                report.confirmations += 1;
            }
        }
    }

    async fn confirm_one(&self, stored: Stored, until: Instant) {
        telemetry::set_onboarding(stored.onboarding.id.as_str());
        // On the heap: it holds several calls to Meta at once.
        match Box::pin(self.confirmation.prove_again(stored, until)).await {
            Ok(stored) => tracing::info!(status = stored.onboarding.status.as_str(), "signup looked into"),
            Err(error) => tracing::warn!(code = error.code(), %error, "signup not confirmed"),
        }
    }
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
