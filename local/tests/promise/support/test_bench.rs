//! A local stack whose time stands still until it is moved, and whose functions can be crashed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use embedded_dynamodb::Database;
use exchange::Clock;
use local::client::{Answer, Client};
use local::settings::PARTNER_WEBHOOK_SECRET;
use local::{LocalStack, Options, gateway, roles};
use onboarding::Class;
use queue::QueueName;
use reqwest::Method;
use runtime::Ports;
use serde_json::Value;
use simulator::Receiver;
use store::{Store, WorkKey};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;

use crate::support::customers::Manners;
use crate::support::delivery::Deliveries;
use crate::support::disturbance::{Disturbance, Disturbances, INDEX_LAG};
use crate::support::fakes::FaultLayer;
use crate::support::fault_injection::{Activity, FaultInjection};
use crate::support::faulty_ports::{FaultyBus, FaultyQueue, FaultyVault};
use crate::support::table::{TABLE, Table};
use crate::support::telling::{Private, Replay};

/// When every bench begins.
pub(crate) const START: OffsetDateTime = datetime!(2026-11-03 09:00 UTC);
/// The schedule of reconciliation.
const SCHEDULE: Duration = Duration::minutes(5);

/// How often something is done instead of once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    InARow(usize),
    AtOnce(usize),
}

pub(crate) struct TestBench {
    pub(crate) stack: LocalStack,
    /// Orders at the fakes.
    pub(crate) client: Client,
    pub(crate) injection: Arc<FaultInjection>,
    pub(crate) repeated: Option<(Activity, Times)>,
    pub(crate) manners: Mutex<Manners>,
    pub(crate) deliveries: Mutex<Deliveries>,
    pub(crate) disturbances: Arc<Disturbances>,
    pub(crate) layer: Arc<FaultLayer>,
    /// The partner's webhook.
    pub(crate) receiver: Receiver,
    /// What no event may hold.
    pub(crate) private: Mutex<Private>,
    /// Those that the partner asked for.
    pub(crate) replays: Mutex<Vec<Replay>>,
    pub(crate) database: Database,
    router: Router,
    milliseconds: Arc<AtomicI64>,
    next_run: AtomicI64,
}

impl TestBench {
    pub(crate) async fn new(simulator: simulator::Settings) -> Self {
        let milliseconds = Arc::new(AtomicI64::new(0));
        let passed = Arc::clone(&milliseconds);
        let now = move || START + Duration::milliseconds(passed.load(Ordering::SeqCst));
        let injection = Arc::new(FaultInjection::new());
        let disturbances = Arc::new(Disturbances::default());
        let table = Table::new(&injection, &disturbances, Arc::new(now.clone())).await;
        let clock = Clock::from_fn(now.clone());
        let faulty = table.faulty.clone();
        let layer = FaultLayer::new(&injection, Arc::new(now.clone()));
        let its_clock: simulator::Clock = Arc::new(now.clone());
        let receiver = Receiver::start_within(&[PARTNER_WEBHOOK_SECRET], its_clock, &layer.around()).await.unwrap();
        let (shared, late) = (Arc::clone(&injection), Arc::clone(&disturbances));
        let options = Options {
            by_hand: true,
            variables: vec![("PARTNER_WEBHOOK_URL".to_owned(), receiver.url())],
            table: Some((table.plain.clone(), TABLE.to_owned(), table.database.clone())),
            simulator: simulator::Settings { clock: Arc::new(now), around: Some(layer.around()), ..simulator },
            ports: Some(Arc::new(move |twins, function| Ports {
                store: Store::new(roles::of_function(&faulty, function), TABLE.to_owned(), clock.clone()),
                queue: Arc::new(FaultyQueue {
                    queue: twins.queue.clone(),
                    injection: Arc::clone(&shared),
                    disturbances: Arc::clone(&late),
                }),
                bus: Arc::new(FaultyBus { bus: twins.bus.clone(), injection: Arc::clone(&shared) }),
                vault: Arc::new(FaultyVault { vault: twins.vault.clone(), injection: Arc::clone(&shared) }),
                ..Ports::from(twins)
            })),
            ..Options::default()
        };
        let stack = LocalStack::start(options).await.unwrap();
        let client = Client::new(&stack.origin).unwrap();
        let router = gateway::router(stack.functions.clone());
        let next_run = AtomicI64::new(whole_milliseconds(SCHEDULE));
        Self {
            stack,
            client,
            injection,
            repeated: None,
            manners: Mutex::default(),
            deliveries: Mutex::default(),
            disturbances,
            layer,
            receiver,
            private: Mutex::default(),
            replays: Mutex::default(),
            database: table.database,
            router,
            milliseconds,
            next_run,
        }
    }

    /// From now on messages and callers behave like this.
    pub(crate) fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
    }

    /// Forgets the faults that were ordered at the fakes.
    pub(crate) async fn clear_faults(&self) {
        let request = self.client.request(Method::DELETE, "/simulator/faults", "");
        assert_eq!(self.client.send(request).await.unwrap().status, 200);
    }

    /// Gives the fakes an order.
    pub(crate) async fn order(&self, route: &str, order: &Value) {
        self.client.order(route, order).await.unwrap();
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.stack.twins.clock.now()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.milliseconds.fetch_add(whole_milliseconds(time), Ordering::SeqCst);
    }

    /// Whether there is nothing left to do: no message, no event on its way, no item due, no token out. The sweep of the
    /// next day does not count.
    async fn is_done(&self) -> bool {
        self.next_event().is_none() && self.next_item_due().is_none() && self.nobody_waits().await
    }

    async fn nobody_waits(&self) -> bool {
        let free = [Class::Free, Class::Delivery, Class::Held];
        let mut classes = free.into_iter().chain(Class::WITH_PERMIT).filter(|class| *class != Class::Sweep);
        let in_sweep = self.stack.twins.store.due(Class::Sweep, self.now() + Duration::days(3650), 10).await.unwrap();
        classes.all(|class| self.stack.first_due(class).is_none())
            && in_sweep.iter().all(|due| due.key == WorkKey::Sweep)
            && self.stack.twins.store.limiter().await.unwrap().permits.is_empty()
    }

    /// When the next message comes, or the next thing happens at the fakes.
    fn next_event(&self) -> Option<OffsetDateTime> {
        let queues = QueueName::all().filter_map(|name| self.stack.twins.queue.next_due(name));
        let fakes = self.stack.simulator.next_due().into_iter().chain(self.layer.next_due());
        queues.chain(fakes).chain(self.deliveries.lock().unwrap().next_record()).min()
    }

    /// When the dispatcher's run of the minute, which is awake while somebody waits, next finds something.
    async fn next_dispatch(&self) -> Option<OffsetDateTime> {
        self.stack.next_dispatch().await.unwrap()
    }

    /// When reconciliation next finds something.
    fn next_item_due(&self) -> Option<OffsetDateTime> {
        self.stack.first_due(Class::Reconciliation)
    }

    /// Lives until nothing is left to be done, at most for this long.
    pub(crate) async fn finish(&self, at_most: Duration) {
        let end = self.now() + at_most;
        self.settle().await;
        while self.now() < end && !self.is_done().await {
            self.step(end).await;
        }
    }

    /// Lets time pass, with reconciliation on its schedule; whatever becomes due on either side happens at its time.
    pub(crate) async fn live(&self, time: Duration) {
        let end = self.now() + time;
        self.settle().await;
        while self.now() < end {
            self.step(end).await;
        }
    }

    /// Goes to the next moment at which something happens, or to the end. Runs of reconciliation that would find nothing
    /// are left out.
    async fn step(&self, end: OffsetDateTime) {
        let dispatch = self.next_dispatch().await.unwrap_or(end);
        let event = self.next_event().unwrap_or(end).min(dispatch).min(end);
        let mut run = START + Duration::milliseconds(self.next_run.load(Ordering::SeqCst));
        if run < event {
            let due = self.next_item_due().unwrap_or(event).min(event);
            let idle = (due - run).max(Duration::ZERO);
            run += SCHEDULE * i32::try_from(idle.whole_seconds() / SCHEDULE.whole_seconds()).unwrap();
        }
        let jump = self.manners.lock().unwrap().jump();
        // What is due is not found before the index shows it.
        let index_late = self.disturbances.has(Disturbance::IndexLate);
        let least = if index_late { INDEX_LAG / 4 } else { Duration::MILLISECOND };
        self.pass((event.min(run) - self.now()).max(least));
        self.jump(jump).await;
        if self.now() >= run {
            self.next_run.store(whole_milliseconds(self.now() - START + SCHEDULE), Ordering::SeqCst);
            self.reconcile().await;
        }
        if self.now() >= dispatch {
            self.run(Activity::Dispatcher, || self.stack.look()).await;
        }
        self.settle().await;
    }

    /// Our clock jumps. The Hub's does not: what it carries out late in this time, it carries out at its time.
    async fn jump(&self, time: Duration) {
        let end = self.now() + time;
        while let Some(due) = self.layer.next_due().filter(|due| *due < end) {
            self.pass((due - self.now()).max(Duration::ZERO));
            self.injection.invoke(Activity::WebhookReceipt, self.layer.run_due()).await;
        }
        self.pass(end - self.now());
    }

    pub(crate) async fn reconcile(&self) {
        self.run(Activity::Reconciliation, || async {
            if let Err(error) = self.stack.functions.reconciliation.handle(None).await {
                tracing::debug!(error, "reconciliation failed");
            }
        })
        .await;
    }

    /// Lets happen what is due now, on both sides, until nothing is.
    pub(crate) async fn settle(&self) {
        loop {
            let fakes = async {
                self.layer.run_due().await;
                self.stack.simulator.run_due().await;
            };
            self.injection.invoke(Activity::WebhookReceipt, fakes).await;
            let woken = self.wake().await;
            if !self.work_off().await && !woken {
                return;
            }
        }
    }

    /// Runs an activity, as often as it is to be run. The last of several outcomes; none if it crashed.
    pub(crate) async fn run<T, F: Future<Output = T>>(&self, activity: Activity, work: impl Fn() -> F) -> Option<T> {
        let times = self.repeated.filter(|(repeated, _)| *repeated == activity).map(|(_, times)| times);
        match times.unwrap_or_else(|| self.manners.lock().unwrap().times()) {
            Times::InARow(times) => {
                let mut last = None;
                for _ in 0..times {
                    last = self.injection.invoke(activity, work()).await;
                }
                last
            }
            Times::AtOnce(times) => {
                let all = futures_util::future::join_all((0..times).map(|_| work()));
                self.injection.invoke(activity, all).await.and_then(|mut all| all.pop())
            }
        }
    }

    /// Posts to the API without a network between; no answer if the function crashed.
    pub(crate) async fn post(
        &self,
        activity: Activity,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Option<Answer> {
        self.request(activity, Method::POST, path, headers, body).await
    }

    /// [`Self::post`], by another method.
    pub(crate) async fn request(
        &self,
        activity: Activity,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Option<Answer> {
        self.run(activity, || async {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(path)
                .header(header::HOST, "127.0.0.1:3000")
                .header(header::CONTENT_TYPE, "application/json");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(Body::from(body.to_string())).unwrap();
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() }
        })
        .await
    }
}

fn whole_milliseconds(time: Duration) -> i64 {
    i64::try_from(time.whole_milliseconds()).unwrap()
}
