//! The border of the functions. Every call that crosses it is counted here, and a plan says what becomes of it.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What is being run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Activity {
    Start,
    EsCallback,
    NumberChoice,
    WebhookReceipt,
    ClientAccount,
    NumberSubmission,
    KeyCreation,
    Reconciliation,
    /// The operator's.
    Retry,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    Table,
    Queue,
    Vault,
    Hub,
    Meta,
    Messaging,
}

/// A call that crosses the border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// From 0, in the order in which they are made.
    pub(crate) number: usize,
    pub(crate) during: Activity,
    pub(crate) place: Place,
    /// In a few words, without ids.
    pub(crate) what: String,
}

/// Whether what was asked for has happened when things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    None,
    Done,
    /// Hub: it happens so many seconds later, when the caller has long been told that it failed.
    Late(u8),
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Trouble {
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
    /// Queue and vault: it says that it is not available.
    Refused,
    /// Queue: it says that it has taken the message, and has not.
    Vanished,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Pass,
    /// The process that makes the call dies.
    Crash(Effect),
    Fail(Trouble, Effect),
}

/// Decides call by call.
pub(crate) type Plan = Box<dyn FnMut(&Call) -> Fate + Send>;

/// The border of one world.
pub(crate) struct Outside {
    inner: Mutex<Inner>,
    crashed: Notify,
}

struct Inner {
    plan: Option<Plan>,
    calls: Vec<Call>,
    /// The calls that did not simply pass.
    troubles: Vec<(usize, Fate)>,
    /// What is invoked by hand: for calls that are seen where they arrive.
    current: Activity,
}

tokio::task_local! {
    /// What this task runs; webhooks are received in tasks that are not ours.
    static ACTIVITY: Activity;
}

impl Outside {
    pub(crate) fn new() -> Self {
        let inner = Inner { plan: None, calls: Vec::new(), troubles: Vec::new(), current: Activity::WebhookReceipt };
        Self { inner: Mutex::new(inner), crashed: Notify::new() }
    }

    /// From now on calls are counted and this decides.
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

    /// How many calls did not simply pass.
    pub(crate) fn troubles(&self) -> usize {
        self.lock().troubles.len()
    }

    /// What became of the calls that did not simply pass, without so many of the first.
    pub(crate) fn troubles_after(&self, first: usize) -> Vec<Fate> {
        self.lock().troubles.iter().skip(first).map(|(_, fate)| *fate).collect()
    }

    /// The calls that did not simply pass, in words.
    pub(crate) fn gone_wrong(&self) -> Vec<String> {
        let inner = self.lock();
        inner.troubles.iter().map(|(number, fate)| format!("{:?} at {:?}", fate, inner.calls[*number])).collect()
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

    /// What becomes of a call that is made where this is asked.
    pub(crate) fn leaving(&self, place: Place, what: String) -> Fate {
        let during = ACTIVITY.try_with(|activity| *activity).unwrap_or(Activity::WebhookReceipt);
        self.fate(during, place, what)
    }

    /// What becomes of a call that arrives where this is asked.
    pub(crate) fn arriving(&self, place: Place, what: String) -> Fate {
        let during = self.lock().current;
        self.fate(during, place, what)
    }

    /// Takes back that a call went wrong: it could not go wrong in the way that was planned.
    pub(crate) fn passed_after_all(&self) {
        self.lock().troubles.pop();
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

    fn fate(&self, during: Activity, place: Place, what: String) -> Fate {
        let inner = &mut *self.lock();
        let Some(plan) = &mut inner.plan else { return Fate::Pass };
        let call = Call { number: inner.calls.len(), during, place, what };
        let fate = plan(&call);
        if fate != Fate::Pass {
            inner.troubles.push((call.number, fate));
        }
        inner.calls.push(call);
        fate
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
