//! Reconciliation, every five minutes: links that run out, what Meta reports, and whether the dispatcher is alive. It calls
//! nobody at the Hub.

use std::sync::Arc;
use std::time::{Duration as StdDuration, Instant};

use exchange::Clock;
use onboarding::limiter::{Health, from_milliseconds, milliseconds};
use onboarding::{Class, Event, LongestWaits, OnboardingId, Status};
use secrets::Secrets;
use store::{Due, InboxKey, Source, Store, StoreError, WorkKey};
use telemetry::Metric;
use time::Duration;

use super::{channel_sweep, lost_signup, overdue};
use crate::steps::proof::SignupProof;

/// How many due items one run takes up. The rest is due at the next run.
const ITEMS_PER_RUN: u32 = 500;
/// How many tokens of lost signups one run fetches; each costs about five calls to Meta.
const SIGNUPS_PER_RUN: usize = 5;
/// How long one run may last if nobody says when it has to end.
const USUAL_RUN: StdDuration = StdDuration::from_secs(50);
/// When something that could not be looked into is looked at next.
const NEXT_LOOK: Duration = Duration::minutes(15);

/// What the upkeep needs of the bundle.
#[derive(Clone)]
pub struct UpkeepContext {
    /// The table.
    pub store: Store,
    /// The bundle's secret.
    pub secrets: Arc<dyn Secrets>,
    /// The partner's solution with 360dialog.
    pub solution_id: String,
    /// The time.
    pub clock: Clock,
}

/// Looks after what nobody else does.
#[derive(Clone)]
pub struct Reconciliation {
    /// What it works with.
    pub context: UpkeepContext,
    /// For signups that no page handed over.
    pub proof: SignupProof,
    /// After which time in one status an onboarding is overdue.
    pub longest_waits: LongestWaits,
}

/// What one run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Onboardings whose link had run out.
    pub expired: usize,
    /// Onboardings that became overdue.
    pub overdue: usize,
    /// Reports of Meta that were looked into.
    pub reports: usize,
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
        self.context.store.ensure_sweep(self.context.clock.now() + channel_sweep::PAUSE).await.map_err(text)?;
        self.watch_dispatcher(&mut report).await.map_err(text)?;
        // A part that fails does not keep the others from their work.
        let overdue = overdue::mark_all(&self.context, &self.longest_waits, share(3)).await.map_err(text);
        let reports = self.expire(share(6), &mut report).await?;
        self.lost_signups(&reports, share(9), &mut report).await?;
        report.overdue = overdue?;
        let Reconciled { expired, overdue, reports, line_length, line_oldest_seconds } = report;
        tracing::info!(expired, overdue, reports, line_length, line_oldest_seconds, "reconciled");
        Ok(report)
    }

    /// Says how much work waits, and for how long nobody has served it. The alarm on that says that the dispatcher is dead: a
    /// line may be long because the Hub's limit is small, and then permits are given all the time.
    async fn watch_dispatcher(&self, report: &mut Reconciled) -> Result<(), StoreError> {
        let (now, limiter) = (self.context.clock.now(), self.context.store.limiter().await?);
        let served_at = limiter.last_given().map(from_milliseconds);
        for class in std::iter::once(Class::Free).chain(Class::WITH_PERMIT) {
            report.line_length += self.context.store.count_due(class, now).await?;
            if let Some(first) = self.context.store.due(class, now, 1).await?.first() {
                let served_at = served_at.filter(|_| class != Class::Free);
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

    /// Ends what has run out. Returns the reports of Meta that are due.
    async fn expire(&self, until: Instant, report: &mut Reconciled) -> Result<Vec<InboxKey>, String> {
        let now = self.context.clock.now();
        let due = self.context.store.due(Class::Reconciliation, now, ITEMS_PER_RUN).await.map_err(text)?;
        let mut reports = Vec::new();
        for Due { key, .. } in due {
            match key {
                WorkKey::Inbox(key) if key.source() == Source::Meta => reports.push(key),
                WorkKey::Onboarding(id) if Instant::now() < until => self.expire_one(&id, report).await,
                _ => {}
            }
        }
        Ok(reports)
    }

    /// One that cannot be read, or written just now, does not keep the others from being looked at.
    async fn expire_one(&self, id: &OnboardingId, report: &mut Reconciled) {
        let expired = self.context.store.apply(id, &Event::LinkExpired).await;
        match expired {
            Ok(applied) if applied.is_change_to(Status::Expired) => report.expired += 1,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, onboarding_id = %id, "a person has to look at this record"),
        }
    }

    /// Looks into what Meta reports, but not for long: Meta may be slow.
    async fn lost_signups(&self, keys: &[InboxKey], until: Instant, report: &mut Reconciled) -> Result<(), String> {
        let mut fetches = SIGNUPS_PER_RUN;
        for key in keys {
            let settled = lost_signup::settle(&self.context, &self.proof, key, &mut fetches);
            let Ok(settled) = tokio::time::timeout_at(until.into(), settled).await else {
                tracing::warn!("Meta takes long; the next runs go on");
                return lost_signup::postpone(&self.context, key, NEXT_LOOK).await.map_err(text);
            };
            settled.map_err(text)?;
            report.reports += 1;
        }
        Ok(())
    }
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
