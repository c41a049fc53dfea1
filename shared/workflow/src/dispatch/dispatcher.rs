//! The runs of the dispatcher: woken by the stream, and each minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exchange::Clock;
use onboarding::limiter::CallLimit;
use queue::Queue;
use store::{DispatchLease, Store, WorkKey};

use super::pass::{Dispatched, Look, Pass, PassError};

/// The run of the minute ends by then if the next one has not taken its lease.
const LONGEST_RUN: Duration = Duration::from_secs(75);
/// A pass begins nothing more after this time. Its last call ends before the lease does.
const LONGEST_PASS: Duration = Duration::from_secs(20);
/// No pass begins anything so short before the end of the invocation: one call to AWS may take 8 seconds.
const AFTER_PASS: Duration = Duration::from_secs(10);
/// How often it looks while somebody waits.
const LOOK: Duration = Duration::from_secs(1);
/// A run that was woken looks again if others were woken meanwhile, but not for ever.
const MOST_PASSES: u32 = 5;

/// How a run ended, and what it did.
enum Ended {
    /// It has given the lease up, or another run has taken it.
    WithoutLease(Dispatched),
    /// It has the lease still.
    WithLease(Dispatched),
}

/// Gives permits, and settles what needs none.
#[derive(Clone)]
pub struct Dispatcher {
    /// The table, with the lease, the limiter and the line.
    pub store: Store,
    /// Where permits go.
    pub queue: Arc<dyn Queue>,
    /// The Hub's limit.
    pub limit: CallLimit,
    /// The time by which work is due. A run ends by the machine's own clock.
    pub clock: Clock,
}

impl Dispatcher {
    /// A run that the stream woke with these records: one pass. Nothing, if another run is at it, which hears of it. Where
    /// nobody waited when the last run ended, it looks at these alone. It ends before `deadline`, the end of the invocation.
    ///
    /// # Errors
    /// A sentence, if the table is out of reach. What is due stays due, and the run of the minute sees it.
    pub async fn woken(&self, keys: &[WorkKey], deadline: Option<Instant>) -> Result<Dispatched, String> {
        let Some(mut lease) = self.store.begin_dispatch(false).await.map_err(text)? else {
            return Ok(Dispatched::default());
        };
        let line = lease.waits;
        let done = self.passes(&mut lease, Look { woken: keys, line }, deadline).await;
        self.leave(&lease, done).await
    }

    /// A pass of the run of the minute, which takes the lease from the run that has it.
    ///
    /// # Errors
    /// See [`Self::woken`].
    pub async fn look(&self) -> Result<Dispatched, String> {
        let Some(mut lease) = self.store.begin_dispatch(true).await.map_err(text)? else {
            return Ok(Dispatched::default());
        };
        let done = self.passes(&mut lease, Look::AT_ALL, None).await;
        self.leave(&lease, done).await
    }

    /// The run of the minute: stays while somebody waits or a token is out, until the next one takes the lease. It ends before
    /// `deadline`, the end of the invocation.
    ///
    /// # Errors
    /// See [`Self::woken`].
    pub async fn minute(&self, deadline: Option<Instant>) -> Result<Dispatched, String> {
        let end = Instant::now() + LONGEST_RUN;
        let end = deadline.map_or(end, |deadline| end.min(before(deadline, AFTER_PASS)));
        let Some(mut lease) = self.store.begin_dispatch(true).await.map_err(text)? else {
            return Ok(Dispatched::default());
        };
        let done = self.stay(&mut lease, end, deadline).await;
        self.leave(&lease, done).await
    }

    async fn stay(&self, lease: &mut DispatchLease, end: Instant, deadline: Option<Instant>) -> Result<Ended, String> {
        let mut all = Dispatched::default();
        loop {
            let Some(done) = self.pass(lease, Look::AT_ALL, deadline).await? else {
                return Ok(Ended::WithoutLease(all));
            };
            all = all.then(done);
            if !done.busy && self.store.end_dispatch(lease, done.waits).await.map_err(text)? {
                return Ok(Ended::WithoutLease(all));
            }
            if Instant::now() >= end {
                return Ok(Ended::WithLease(all));
            }
            if done.busy {
                let next = done.next_at.and_then(|at| Duration::try_from(at - self.clock.now()).ok());
                tokio::time::sleep(next.unwrap_or(LOOK).clamp(Duration::from_millis(20), LOOK)).await;
            }
            if !self.store.keep_dispatching(lease).await.map_err(text)? {
                return Ok(Ended::WithoutLease(all));
            }
        }
    }

    async fn passes(
        &self,
        lease: &mut DispatchLease,
        mut look: Look<'_>,
        deadline: Option<Instant>,
    ) -> Result<Ended, String> {
        let mut all = Dispatched::default();
        for _ in 0..MOST_PASSES {
            let Some(done) = self.pass(lease, look, deadline).await? else { return Ok(Ended::WithoutLease(all)) };
            all = all.then(done);
            if self.store.end_dispatch(lease, done.waits).await.map_err(text)?
                || !self.store.keep_dispatching(lease).await.map_err(text)?
            {
                return Ok(Ended::WithoutLease(all));
            }
            // What woke the others is not known.
            look = Look::AT_ALL;
        }
        Ok(Ended::WithLease(all))
    }

    /// Gives the lease up, however a run ended, so that the next one need not wait for its end.
    async fn leave(&self, lease: &DispatchLease, ended: Result<Ended, String>) -> Result<Dispatched, String> {
        if let Ok(Ended::WithoutLease(done)) = ended {
            return Ok(done);
        }
        let left = self.store.abandon_dispatch(lease).await.map_err(text);
        let (Ended::WithLease(done) | Ended::WithoutLease(done)) = ended?;
        left.map(|()| done)
    }

    /// One pass; `None` if another run has taken the lease.
    async fn pass(
        &self,
        lease: &mut DispatchLease,
        look: Look<'_>,
        deadline: Option<Instant>,
    ) -> Result<Option<Dispatched>, String> {
        let longest = Instant::now() + LONGEST_PASS;
        let until = deadline.map_or(longest, |deadline| longest.min(before(deadline, AFTER_PASS)));
        match (Pass { dispatcher: self, lease, until, done: Dispatched::default() }).run(look).await {
            Ok(done) => {
                let Dispatched { permits, free, busy, .. } = done;
                if permits + free > 0 {
                    tracing::info!(permits, free, busy, "dispatched");
                }
                Ok(Some(done))
            }
            Err(PassError::LeaseLost) => Ok(None),
            Err(PassError::Table(error)) => Err(error.to_string()),
        }
    }
}

/// So long before an instant; now, if that was before this machine started.
fn before(end: Instant, time: Duration) -> Instant {
    end.checked_sub(time).unwrap_or_else(Instant::now)
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
