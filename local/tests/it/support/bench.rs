//! The test bench: a local stack whose time and queues a test moves, and the checks that most tests need.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use local::client::{Client, Started};
use local::{LocalStack, Options};
use queue::QueueName;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::support::event_check::EventCheck;
use crate::support::log_scan::LogScan;

const START: OffsetDateTime = datetime!(2026-11-03 09:00 UTC);

/// A time that the API shows.
pub(crate) fn time_of(shown: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(shown.as_str().unwrap(), &Rfc3339).unwrap()
}

/// The statuses in which an onboarding became overdue, by the history in its record.
pub(crate) fn overdue_in(record: &Value) -> Vec<&str> {
    let entries = record["history"].as_array().unwrap().iter();
    entries.filter(|entry| entry["event"]["event"] == "overdue").map(|entry| entry["to"].as_str().unwrap()).collect()
}

/// The milliseconds that have passed since the tests' beginning. Clones tell the same time.
#[derive(Clone, Default)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Time {
    /// A clock that tells it.
    pub(crate) fn clock(&self) -> Arc<dyn Fn() -> OffsetDateTime + Send + Sync> {
        let passed = Arc::clone(&self.0);
        Arc::new(move || START + Duration::milliseconds(passed.load(Ordering::SeqCst)))
    }
}

/// A stack whose time and queues a test moves.
pub(crate) struct TestBench {
    pub(crate) stack: LocalStack,
    pub(crate) client: Client,
    milliseconds: Arc<AtomicI64>,
    _log: LogScan,
    _events: EventCheck,
}

impl TestBench {
    /// With the simulator's default behavior.
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// With these options; time and hand are set here.
    pub(crate) async fn with(options: Options) -> Self {
        Self::at(Time::default(), options).await
    }

    /// With a time that others on the outside tell too.
    pub(crate) async fn at(time: Time, mut options: Options) -> Self {
        let log = LogScan::start();
        options.simulator.clock = time.clock();
        options.by_hand = true;
        let Time(milliseconds) = time;
        let stack = LocalStack::start(options).await.unwrap();
        let client = Client::new(&stack.origin).unwrap();
        let events = EventCheck(stack.twins.bus.clone());
        Self { stack, client, milliseconds, _log: log, _events: events }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.milliseconds.fetch_add(i64::try_from(time.whole_milliseconds()).unwrap(), Ordering::SeqCst);
    }

    /// Lets time pass; whatever becomes due on either side happens at its time. What lies between is passed over.
    pub(crate) async fn live_through(&self, time: Duration) {
        let end = self.now() + time;
        self.settle().await;
        while let Some(due) = self.next_due().await.filter(|due| *due <= end) {
            self.pass((due - self.now()).max(Duration::MILLISECOND));
            if self.stack.next_dispatch().await.unwrap().is_some_and(|dispatch| dispatch <= self.now()) {
                self.stack.look().await;
            }
            self.settle().await;
        }
        self.pass((end - self.now()).max(Duration::ZERO));
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.stack.twins.clock.now()
    }

    /// When something happens next, on either side. The dispatcher's run of the minute is taken for always awake.
    async fn next_due(&self) -> Option<OffsetDateTime> {
        let queues = QueueName::all().filter_map(|name| self.stack.twins.queue.next_due(name));
        let dispatch = self.stack.next_dispatch().await.unwrap();
        queues.chain(self.stack.simulator.next_due()).chain(dispatch).min()
    }

    /// Lets happen what is due now, on both sides, until nothing is.
    pub(crate) async fn settle(&self) {
        loop {
            self.stack.simulator.run_due().await;
            if self.stack.work_off().await == 0 {
                return;
            }
        }
    }

    /// Has the events told that are sent for, and nothing else done.
    pub(crate) async fn tell_events(&self) {
        for message in self.stack.twins.queue.receive(QueueName::Deliveries, usize::MAX) {
            self.stack.invoke(QueueName::Deliveries, vec![message]).await;
        }
    }

    /// Starts an onboarding and finishes the popup with an account of the simulator.
    pub(crate) async fn signed_up(&self, reference: &str, account: &str) -> Started {
        let started = self.client.start(reference).await.unwrap();
        let popup = self.client.popup(account, "finish").await.unwrap();
        let answer = self.client.es_callback(&started, &popup).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        started
    }

    pub(crate) async fn record(&self, started: &Started) -> Value {
        self.client.record(&started.id).await.unwrap()
    }

    pub(crate) async fn status(&self, started: &Started) -> String {
        self.record(started).await["status"].as_str().unwrap().to_owned()
    }

    /// How many of the ledger's entries of this kind there are.
    pub(crate) async fn count(&self, kind: &str) -> usize {
        self.client.ledger().await.unwrap()[kind].as_array().unwrap().len()
    }

    /// Asserts the promise for one onboarding: ready, one client, one channel, one valid key, and the vault holds it.
    pub(crate) async fn assert_promise_kept(&self, started: &Started) {
        let record = self.record(started).await;
        assert_eq!(record["status"], "ready", "{record:#}");
        let ledger = self.client.ledger().await.unwrap();
        let valid = ledger["keys"].as_array().unwrap().iter().filter(|key| key["valid"] == true).count();
        assert_eq!((self.count("clients").await, self.count("channels").await, valid), (1, 1, 1), "{ledger:#}");
        let keys = self.stack.twins.vault.keys();
        assert_eq!(keys.len(), 1);
        assert!(self.client.key_works(&keys[0].1).await.unwrap(), "the key in the vault is not the valid one");
        self.assert_nothing_left();
    }

    /// Asserts that no message is waiting and none was given up.
    pub(crate) fn assert_nothing_left(&self) {
        for name in QueueName::all() {
            assert_eq!(self.stack.twins.queue.len(name), 0, "{name:?}");
            assert_eq!(self.stack.twins.queue.dead_letters(name), [], "{name:?}");
        }
    }
}
