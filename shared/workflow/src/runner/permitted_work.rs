//! The right to do one piece of work, as a message carries it.

use std::time::{Duration, Instant};

use onboarding::Class;
use queue::Task;
use store::{LATE, Store, WorkKey};
use time::OffsetDateTime;

use super::StepError;

/// No call is begun that could last longer than what is left of the invocation.
const LONGEST_CALL: Duration = Duration::from_secs(12);

/// The right to do one piece of work, and to make one call to the Hub for it unless it is [`Class::Free`].
#[derive(Debug, Clone)]
pub(crate) struct PermittedWork {
    /// Which work.
    pub(crate) work: WorkKey,
    pub(crate) class: Class,
    /// Whether calls to the Hub had failed when the permit was given.
    pub(crate) after_failures: bool,
    pub(crate) permit: String,
    deadline: Option<Instant>,
}

impl PermittedWork {
    pub(crate) fn new(work: WorkKey, task: &Task, deadline: Option<Instant>) -> Self {
        Self { work, class: task.class, after_failures: task.after_failures, permit: task.permit.clone(), deadline }
    }

    /// Redeems the permit, immediately before the call.
    pub(crate) async fn redeem(&self, store: &Store) -> Result<(), StepError> {
        self.redeem_as(store, self.class).await
    }

    /// Takes the work without the call: another worker can no longer do it at the same time. The token is given back.
    pub(crate) async fn hold(&self, store: &Store) -> Result<(), StepError> {
        self.redeem_as(store, Class::Free).await?;
        self.give_back(store).await
    }

    /// What came between the redemption and the call must not let its token be free too early.
    pub(crate) async fn keep_pace(
        &self,
        store: &Store,
        redeemed_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StepError> {
        if now - redeemed_at <= LATE || store.redeemed_late(&self.permit).await? {
            Ok(())
        } else {
            Err(StepError::Void)
        }
    }

    async fn redeem_as(&self, store: &Store, class: Class) -> Result<(), StepError> {
        if !self.leaves_time() {
            return Err(StepError::Unavailable("the deadline is near; the work is left for later".to_owned()));
        }
        if store.redeem(&self.work, &self.permit, class).await? { Ok(()) } else { Err(StepError::Void) }
    }

    /// Gives the token back: no call is needed.
    pub(crate) async fn give_back(&self, store: &Store) -> Result<(), StepError> {
        if self.class != Class::Free {
            store.return_permit(&self.permit).await?;
        }
        Ok(())
    }

    /// Whether another call can end before the invocation does.
    pub(crate) fn leaves_time(&self) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() + LONGEST_CALL <= deadline)
    }
}
