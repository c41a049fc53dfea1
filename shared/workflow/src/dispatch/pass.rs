//! One pass of the dispatcher: tokens that are free again, the Hub's health, permits.

use std::time::Instant;

use onboarding::limiter::{Health, NextPermit, Permit, from_milliseconds, milliseconds};
use onboarding::{Class, Step};
use queue::{About, QueueName, Task};
use store::{DispatchLease, Due, EventKey, StoreError, WorkKey, WorkState};
use telemetry::Metric;
use time::OffsetDateTime;

use super::Dispatcher;
use super::admission::{admit, unless_broken};
use super::line::Line;

/// So many messages without a result, or void permits in a row, are worth a person's look.
const STUCK: u32 = 5;
const STUCK_VOID: u32 = 10;

/// What a run did, and whether somebody waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Permits that were given.
    pub permits: u32,
    /// Messages that need no permit, and webhooks that were settled.
    pub free: u32,
    /// Messages that a queue did not take. Their work is due as it was.
    pub unsent: u32,
    /// Whether somebody waits who could not be served.
    pub waits: bool,
    /// Whether somebody waits, or a token is out, so that there will soon be something to do.
    pub busy: bool,
    /// When that is, if nothing else happens. `None` while the lease was another run's.
    pub next_at: Option<OffsetDateTime>,
}

impl Dispatched {
    /// What two passes did, one after the other.
    pub(super) fn then(self, later: Self) -> Self {
        let (permits, free, unsent) =
            (self.permits + later.permits, self.free + later.free, self.unsent + later.unsent);
        Self { permits, free, unsent, ..later }
    }
}

/// Where a pass looks for work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    /// What the stream told of. The index may not show it yet.
    pub(super) woken: &'a [WorkKey],
    /// Whether to look at the index too.
    pub(super) line: bool,
}

impl Look<'static> {
    pub(super) const AT_ALL: Self = Look { woken: &[], line: true };
}

/// Why a pass ends early.
pub(super) enum PassError {
    /// Another run has taken the lease.
    LeaseLost,
    Table(StoreError),
}

impl From<StoreError> for PassError {
    fn from(error: StoreError) -> Self {
        Self::Table(error)
    }
}

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) dispatcher: &'a Dispatcher,
    pub(super) lease: &'a mut DispatchLease,
    /// It begins nothing more after this.
    pub(super) until: Instant,
    pub(super) done: Dispatched,
}

impl Pass<'_> {
    pub(super) async fn run(mut self, look: Look<'_>) -> Result<Dispatched, PassError> {
        self.free_tokens().await?;
        self.look_at_probe().await?;
        let mut woken = self.woken(look.woken).await?;
        let deliveries: Vec<Due> =
            woken.extract_if(.., |(class, _)| *class == Class::Delivery).map(|(_, due)| due).collect();
        let asks = self.free_work(&woken, look.line).await?;
        woken.extend(asks);
        self.give_permits(woken, look.line).await?;
        // Last: the telling never delays an onboarding.
        self.deliveries(deliveries, look.line).await?;
        let now = milliseconds(self.dispatcher.clock.now());
        let limiter = &self.lease.limiter;
        let next = limiter.next_change(self.dispatcher.limit, now);
        self.done.busy |= self.done.waits || !limiter.permits.is_empty();
        self.done.next_at = next.map(from_milliseconds);
        Ok(self.done)
    }

    /// Frees the tokens of calls that were made long enough ago, and of permits that nobody redeemed.
    async fn free_tokens(&mut self) -> Result<(), PassError> {
        let (store, limit) = (&self.dispatcher.store, self.dispatcher.limit);
        let now = milliseconds(self.dispatcher.clock.now());
        let limiter = self.lease.limiter.clone();
        let spent: Vec<String> = limiter.spent(limit, now).into_iter().map(|(id, _)| id.clone()).collect();
        if !spent.is_empty() && !store.free_tokens(self.lease, &spent).await? {
            return Err(PassError::LeaseLost);
        }
        for (id, permit) in limiter.void(now) {
            // Once the work is taken back, its worker can no longer redeem the permit.
            if let Some(key) = WorkKey::from_text(&permit.work).filter(|key| *key != WorkKey::Probe)
                && store.give_back(&key, id, permit.due_at).await? == Some(STUCK_VOID)
            {
                Self::stuck(&key, "its permits ran out before they were redeemed");
            }
            if !store.free_void(self.lease, id).await? {
                return Err(PassError::LeaseLost);
            }
        }
        Ok(())
    }

    /// Opens or closes the breaker, as the Hub answered our own question.
    async fn look_at_probe(&mut self) -> Result<(), PassError> {
        let Some(well) = self.lease.limiter.probe else { return Ok(()) };
        let was_open = self.lease.limiter.open_since.is_some();
        let open_since = (!well).then(|| self.dispatcher.clock.now());
        if !self.dispatcher.store.set_breaker(self.lease, open_since).await? {
            return Err(PassError::LeaseLost);
        }
        match (was_open, well) {
            (true, true) => tracing::info!("the Hub is well again; everything goes on"),
            (false, false) => tracing::error!("the Hub is down; nobody calls it until it answers our own question"),
            _ => {}
        }
        if !well {
            telemetry::count(Metric::HubUnavailable, 1);
        }
        Ok(())
    }

    /// What the stream told of and is due, by class.
    async fn woken(&self, keys: &[WorkKey]) -> Result<Vec<(Class, Due)>, PassError> {
        let (store, now) = (&self.dispatcher.store, self.dispatcher.clock.now());
        let mut woken = Vec::new();
        for key in keys {
            if let Some(state) =
                unless_broken(store.work(key).await)?.ok().flatten().filter(|state| state.due_at <= now)
            {
                woken.push((state.class, Due { key: key.clone(), due_at: state.due_at }));
            }
        }
        Ok(woken)
    }

    /// Gives a permit for each free token, to the work that is then first.
    async fn give_permits(&mut self, mut woken: Vec<(Class, Due)>, look_at_line: bool) -> Result<(), PassError> {
        let limit = self.dispatcher.limit;
        let free_waits = self.done.waits;
        woken.retain(|(class, _)| Class::WITH_PERMIT.contains(class));
        // Until the line is read: nobody knows who waits in it, and those who were woken do.
        self.done.waits |= look_at_line || !woken.is_empty();
        let mut read = None;
        while self.lease.limiter.has_token(limit) {
            if self.is_over() {
                return Ok(());
            }
            let now = milliseconds(self.dispatcher.clock.now());
            match self.lease.limiter.health(now) {
                Health::Well => {}
                Health::Doubtful { probe_at } if probe_at <= now => return self.probe(now).await,
                Health::Doubtful { .. } => return Ok(()),
                // It is short, and somebody may wait.
                Health::Paused { .. } => {
                    self.done.busy = true;
                    return Ok(());
                }
            }
            let line = if let Some(line) = &mut read {
                line
            } else {
                let mut line = Line::default();
                if look_at_line {
                    line.read(&self.dispatcher.store, limit, self.dispatcher.clock.now()).await?;
                }
                for (class, due) in woken.drain(..) {
                    line.put(class, due);
                }
                read.insert(line)
            };
            let heads = line.heads();
            self.done.waits = free_waits || line.is_cut() || !heads.is_empty();
            let Some(next) = self.lease.limiter.next_permit(limit, &heads, now) else { return Ok(()) };
            let Some(due) = line.pop(next.class) else { return Ok(()) };
            if let Some(state) = admit(&self.dispatcher.store, &self.dispatcher.clock, next.class, &due).await? {
                self.give(&due.key, &state, next, now).await?;
            }
        }
        Ok(())
    }

    /// Whether no time is left. What is due stays due, and the next pass sees it.
    pub(super) fn is_over(&mut self) -> bool {
        let over = Instant::now() >= self.until;
        self.done.waits |= over;
        over
    }

    async fn give(&mut self, key: &WorkKey, state: &WorkState, next: NextPermit, now: i64) -> Result<(), PassError> {
        let (store, id) = (&self.dispatcher.store, new_id());
        let permit = Permit {
            work: key.as_text(),
            class: state.class,
            due_at: milliseconds(state.due_at),
            sent_at: now,
            redeemed_at: None,
        };
        if !store.reserve(self.lease, &id, &permit, Some(next)).await? {
            return Err(PassError::LeaseLost);
        }
        if !store.take(key, state, &id).await? {
            return if store.free_tokens(self.lease, &[id]).await? { Ok(()) } else { Err(PassError::LeaseLost) };
        }
        Self::tell_if_unanswered(key, state);
        self.send(key, state, id).await;
        self.done.permits += 1;
        Ok(())
    }

    /// Asks the Hub ourselves, in nobody's name.
    async fn probe(&mut self, now: i64) -> Result<(), PassError> {
        let id = new_id();
        let work = WorkKey::Probe.as_text();
        let permit = Permit { work, class: Class::LookUp, due_at: now, sent_at: now, redeemed_at: None };
        if !self.dispatcher.store.reserve(self.lease, &id, &permit, None).await? {
            return Err(PassError::LeaseLost);
        }
        let task = Task { about: About::Probe, permit: id, class: Class::LookUp, after_failures: false };
        self.send_task(Step::NumberSubmission.into(), &task).await;
        self.done.permits += 1;
        Ok(())
    }

    pub(super) async fn send(&mut self, key: &WorkKey, state: &WorkState, permit: String) {
        let work = state.record.as_ref().and_then(|stored| stored.onboarding.work());
        let step = work.and_then(|work| work.step).unwrap_or(Step::NumberSubmission);
        let (queue, about) = match key {
            // All but the first are reconciliation's, and are never sent.
            WorkKey::Onboarding(id)
            | WorkKey::Confirmation(id)
            | WorkKey::Rotation(id)
            | WorkKey::Erasure(id)
            | WorkKey::Deletion(id) => (step.into(), About::Onboarding { onboarding_id: id.clone() }),
            WorkKey::Inbox(key) => (step.into(), About::Inbox { inbox_key: key.as_str().to_owned() }),
            WorkKey::Event(EventKey { onboarding, id }) => {
                (QueueName::Deliveries, About::Event { onboarding_id: onboarding.clone(), event_id: id.clone() })
            }
            WorkKey::Import(id) => (step.into(), About::Import { import_id: id.clone() }),
            WorkKey::Replay => (QueueName::Deliveries, About::Replay),
            WorkKey::Sweep => (step.into(), About::Sweep),
            WorkKey::Token => (step.into(), About::Token),
            WorkKey::Probe => (step.into(), About::Probe),
        };
        let after_failures = self.lease.limiter.has_failures();
        self.send_task(queue, &Task { about, permit, class: state.class, after_failures }).await;
    }

    /// A message that is not sent is a permit that is not redeemed: it is void soon, and the work is due as it was. The pass
    /// goes on, because the other queues may be in reach.
    async fn send_task(&mut self, queue: QueueName, task: &Task) {
        if let Err(error) = self.dispatcher.queue.send(queue, task).await {
            tracing::error!(queue = queue.as_str(), %error, "message not sent");
            self.done.unsent += 1;
        }
    }

    pub(super) fn tell_if_unanswered(key: &WorkKey, state: &WorkState) {
        if state.unanswered == STUCK {
            Self::stuck(key, "its messages stay without a result");
        }
    }

    fn stuck(key: &WorkKey, why: &str) {
        tracing::error!(work = key.as_text(), "work is stuck: {why}");
        telemetry::count(Metric::Stuck, 1);
    }
}

/// The name of a permit.
pub(super) fn new_id() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}
