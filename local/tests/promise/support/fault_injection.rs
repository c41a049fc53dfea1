//! Fault injection. Every call that leaves a function is counted here, and a plan decides its outcome.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use queue::Step;
use tokio::sync::Notify;

/// What is being run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Activity {
    Start,
    NumberChoice,
    WebhookReceipt,
    Step(Step),
    /// The event publisher.
    Publishing,
    Dispatcher,
    Reconciliation,
    /// The operator's.
    Retry,
    /// The partner's.
    Claim,
    /// The partner asks for events once more.
    Replay,
    /// What the partner wants of an onboarding: a new key, the end of its channel, its own end.
    Order,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    Table,
    Queue,
    /// The event bus.
    Bus,
    Vault,
    Hub,
    Meta,
    Messaging,
    /// The partner's webhook.
    Partner,
}

/// A call that leaves a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// From 0, in the order in which they are made.
    pub(crate) number: usize,
    pub(crate) during: Activity,
    pub(crate) place: Place,
    /// In a few words, without ids.
    pub(crate) what: String,
}

/// Whether a call that goes wrong was carried out all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SideEffect {
    None,
    Done,
    /// Hub: it happens so many seconds later, when the caller has long been told that it failed.
    Late(u8),
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// An answer with this status, in the shape in which the place answers errors.
    Status(u16),
    /// The connection is closed without an answer.
    Reset,
    /// No answer until the caller gives up.
    Silence,
    /// An answer that nobody can read.
    Garbage,
    /// Table: too many requests.
    Throttled,
    /// Table: somebody else wrote first, so that a condition does not hold; of a transaction, the one with this number.
    ConditionLost(usize),
    /// Table: another transaction is under way.
    Conflict,
    /// Queue, event bus and vault: it says that it is not available.
    Refused,
    /// Queue: it says that it has taken the message, and has not.
    Vanished,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Pass,
    /// The process that makes the call dies.
    Crash(SideEffect),
    Fail(Failure, SideEffect),
}

/// Decides the outcome of each call.
pub(crate) type Plan = Box<dyn FnMut(&Call) -> Outcome + Send>;

/// Counts the calls of one test bench and injects faults into them.
pub(crate) struct FaultInjection {
    inner: Mutex<Inner>,
    crashed: Notify,
}

struct Inner {
    plan: Option<Plan>,
    calls: Vec<Call>,
    /// The calls that did not pass, by number.
    faults: Vec<(usize, Outcome)>,
    /// What is invoked by hand: for calls that are seen where they arrive.
    current: Activity,
}

tokio::task_local! {
    /// What this task runs; webhooks are received in tasks that are not ours.
    static ACTIVITY: Activity;
}

impl FaultInjection {
    pub(crate) fn new() -> Self {
        let inner = Inner { plan: None, calls: Vec::new(), faults: Vec::new(), current: Activity::WebhookReceipt };
        Self { inner: Mutex::new(inner), crashed: Notify::new() }
    }

    /// From now on calls are counted and this plan decides.
    pub(crate) fn follow(&self, plan: Plan) {
        self.lock().plan = Some(plan);
    }

    /// From now on every call passes uncounted.
    pub(crate) fn calm(&self) {
        self.lock().plan = None;
    }

    /// The calls that were counted.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many calls did not pass.
    pub(crate) fn fault_count(&self) -> usize {
        self.lock().faults.len()
    }

    /// The outcomes of the calls that did not pass, without so many of the first.
    pub(crate) fn faults_after(&self, first: usize) -> Vec<Outcome> {
        self.lock().faults.iter().skip(first).map(|(_, outcome)| *outcome).collect()
    }

    /// The calls that did not pass, in words.
    pub(crate) fn gone_wrong(&self) -> Vec<String> {
        let inner = self.lock();
        inner.faults.iter().map(|(number, outcome)| format!("{:?} at {:?}", outcome, inner.calls[*number])).collect()
    }

    /// Runs something; nothing is returned if it crashed on the way.
    pub(crate) async fn invoke<T>(&self, activity: Activity, work: impl Future<Output = T>) -> Option<T> {
        self.lock().current = activity;
        tokio::select! {
            biased;
            done = ACTIVITY.scope(activity, Box::pin(work)) => Some(done),
            () = self.crashed.notified() => None,
        }
    }

    /// The outcome of a call that is intercepted where it is made.
    pub(crate) fn leaving(&self, place: Place, what: String) -> Outcome {
        let during = ACTIVITY.try_with(|activity| *activity).unwrap_or(Activity::WebhookReceipt);
        self.outcome(during, place, what)
    }

    /// The outcome of a call that is intercepted where it arrives.
    pub(crate) fn arriving(&self, place: Place, what: String) -> Outcome {
        let during = self.lock().current;
        self.outcome(during, place, what)
    }

    /// Withdraws the last fault: the call could not go wrong in the way that was planned.
    pub(crate) fn withdraw_last(&self) {
        self.lock().faults.pop();
    }

    /// The process ends: whoever invoked it goes on without it, and it goes no further.
    pub(crate) async fn crash(&self) -> ! {
        if ACTIVITY.try_with(|_| ()).is_err() {
            // A task of the gateway: it ends, and its connection with it. No panic, which would be reported.
            resume_unwind(Box::new("crashed as planned"));
        }
        self.end().await
    }

    /// [`Self::crash`], told by the other side of a call.
    pub(crate) async fn end(&self) -> ! {
        self.crashed.notify_one();
        pending().await
    }

    fn outcome(&self, during: Activity, place: Place, what: String) -> Outcome {
        let inner = &mut *self.lock();
        let Some(plan) = &mut inner.plan else { return Outcome::Pass };
        let call = Call { number: inner.calls.len(), during, place, what };
        let outcome = plan(&call);
        if outcome != Outcome::Pass {
            inner.faults.push((call.number, outcome));
        }
        inner.calls.push(call);
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
