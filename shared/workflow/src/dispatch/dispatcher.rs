//! The runs of the dispatcher: woken by the stream, and each minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exchange::Clock;
use onboarding::limiter::CallLimit;
use queue::Queue;
use store::{DispatchLease, Store, WorkKey};

use super::pass::{Dispatched, Look, Pass, Stop};

/// The run of the minute ends by then if the next one has not taken its lease.
const LONGEST_RUN: Duration = Duration::from_secs(75);
/// How often it looks while somebody waits.
const LOOK: Duration = Duration::from_secs(1);
/// A run that was woken looks again if others were woken meanwhile, but not for ever.
const MOST_PASSES: u32 = 5;

/// Gives permits, and settles what needs none.
#[derive(Clone)]
pub struct Dispatcher {
    /// The table.
    pub store: Store,
    /// Where permits go.
    pub queue: Arc<dyn Queue>,
    /// The Hub's limit.
    pub limit: CallLimit,
    /// The time.
    pub clock: Clock,
}

impl Dispatcher {
    /// A run that the stream woke with these records: one pass. Nothing, if another run is at it, which hears of it. Where
    /// nobody waited when the last run ended, it looks at these alone.
    ///
    /// # Errors
    /// A sentence, if the table or a queue is out of reach. What is due stays due, and the run of the minute sees it.
    pub async fn woken(&self, keys: &[WorkKey]) -> Result<Dispatched, String> {
        let Some(mut lease) = self.store.begin_dispatch(false).await.map_err(text)? else {
            return Ok(Dispatched::default());
        };
        let line = lease.waits;
        self.passes(&mut lease, Look { woken: keys, line }).await
    }

    /// A pass of the run of the minute, which takes the lease from whoever has it.
    ///
    /// # Errors
    /// See [`Self::woken`].
    pub async fn look(&self) -> Result<Dispatched, String> {
        let Some(mut lease) = self.store.begin_dispatch(true).await.map_err(text)? else {
            return Ok(Dispatched::default());
        };
        self.passes(&mut lease, Look::AT_ALL).await
    }

    /// The run of the minute: stays while somebody waits or a token is out, until the next one takes the lease.
    ///
    /// # Errors
    /// See [`Self::woken`].
    pub async fn minute(&self) -> Result<Dispatched, String> {
        let end = Instant::now() + LONGEST_RUN;
        let mut all = Dispatched::default();
        let Some(mut lease) = self.store.begin_dispatch(true).await.map_err(text)? else { return Ok(all) };
        loop {
            let Some(done) = self.pass(&mut lease, Look::AT_ALL).await? else { return Ok(all) };
            (all.permits, all.free, all.busy) = (all.permits + done.permits, all.free + done.free, done.busy);
            if !done.busy && self.store.end_dispatch(&lease, done.waits).await.map_err(text)? {
                return Ok(all);
            }
            if Instant::now() >= end {
                return Ok(all);
            }
            if done.busy {
                let next = done.next_at.and_then(|at| Duration::try_from(at - self.clock.now()).ok());
                tokio::time::sleep(next.unwrap_or(LOOK).clamp(Duration::from_millis(20), LOOK)).await;
            }
            if !self.store.keep_dispatching(&mut lease).await.map_err(text)? {
                return Ok(all);
            }
        }
    }

    async fn passes(&self, lease: &mut DispatchLease, mut look: Look<'_>) -> Result<Dispatched, String> {
        let mut all = Dispatched::default();
        for _ in 0..MOST_PASSES {
            let Some(done) = self.pass(lease, look).await? else { return Ok(all) };
            all = Dispatched { permits: all.permits + done.permits, free: all.free + done.free, ..done };
            if self.store.end_dispatch(lease, done.waits).await.map_err(text)?
                || !self.store.keep_dispatching(lease).await.map_err(text)?
            {
                break;
            }
            // What woke the others is not known.
            look = Look::AT_ALL;
        }
        Ok(all)
    }

    /// One pass; `None` if another run has taken the lease.
    async fn pass(&self, lease: &mut DispatchLease, look: Look<'_>) -> Result<Option<Dispatched>, String> {
        match (Pass { dispatcher: self, lease, done: Dispatched::default() }).run(look).await {
            Ok(done) => {
                let Dispatched { permits, free, busy, .. } = done;
                if permits + free > 0 {
                    tracing::info!(permits, free, busy, "dispatched");
                }
                Ok(Some(done))
            }
            Err(Stop::Lost) => Ok(None),
            Err(Stop::Table(error)) => Err(error.to_string()),
            Err(Stop::Queue(error)) => Err(error),
        }
    }
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
