//! The whole bundle in one process: gateway, real handlers, embedded DynamoDB, simulator.
//!
//! For a person it is `cargo run`; for a test, [`LocalStack::start`].

mod aws;
pub mod client;
pub mod containers;
mod dynamodb;
pub mod functions;
pub mod gateway;
mod line;
mod persistence;
pub mod roles;
pub mod samples;
pub mod settings;
pub mod stream;
pub mod timeline;
mod workers;

pub use workers::{BATCH, RECONCILIATION};

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::serve::ListenerExt;
use client::Client;
use embedded_dynamodb::Database;
use exchange::Clock;
use functions::{Functions, Twins};
use line::Line;
use onboarding::limiter::{Health, from_milliseconds, milliseconds};
use onboarding::{Class, EndpointState};
use queue::{MemoryQueue, QueueName, Received};
use runtime::settings::{Env, HubConfig};
use runtime::{Dependencies, Ports};
use settings::{PLATFORM_SECRET, Settings, VERIFY_TOKEN};
use simulator::Simulator;
use store::{Store, StoreError};
use stream::Stream;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// Builds the ports of the function that the template calls so; tests override them to watch calls and to inject faults.
pub type PortsOverride = Arc<dyn Fn(&Twins, &'static str) -> Ports + Send + Sync>;

/// Why the stack does not start.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long a message is hidden while a worker has it. Longer than any step takes.
const VISIBILITY: Duration = Duration::seconds(60);
/// How many events are told at once, as in the template.
const DELIVERIES_AT_ONCE: usize = 5;
/// Deliveries before a message is a dead letter, as in the template.
pub const DELIVERIES: u32 = 5;

/// How a stack is started.
#[derive(Clone, Default)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The fakes. Addresses and the platform secret are filled in.
    pub simulator: simulator::Settings,
    /// Folder in which everything is kept from one start to the next.
    pub keep: Option<PathBuf>,
    /// Serve functions in containers too, which reach this machine at this address; and put the onboardings into the table
    /// that the sample events are about. Takes a port that is not 0.
    pub containers: Option<IpAddr>,
    /// Further settings of the functions, by the names that they have on AWS.
    pub variables: Vec<(String, String)>,
    /// Do not work off the queues, nor run the schedule: the test does, with [`LocalStack::work_off`].
    pub by_hand: bool,
    /// A table that is there, its name and its database, instead of one of our own.
    pub table: Option<(aws_sdk_dynamodb::Client, String, Database)>,
    /// The functions' ports, if they are not the twins themselves, with the table as the function's role has it.
    pub ports: Option<PortsOverride>,
}

/// A running stack.
pub struct LocalStack {
    /// The API's base, such as `http://127.0.0.1:3000/v1`.
    pub url: String,
    /// Where it listens, without a path.
    pub origin: String,
    /// The fakes.
    pub simulator: Simulator,
    /// Table, queues, vault, secret and clock in memory.
    pub twins: Twins,
    /// The handlers.
    pub functions: Arc<Functions>,
    /// What wakes the dispatcher.
    pub stream: Stream,
    database: Database,
    line: Line,
    env: Env,
    keep: Option<PathBuf>,
    stop: oneshot::Sender<()>,
    gateway: JoinHandle<std::io::Result<()>>,
    background: JoinSet<()>,
}

impl LocalStack {
    /// Starts everything on 127.0.0.1.
    ///
    /// # Errors
    /// If the port is taken or the saved state cannot be read.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let url = format!("{origin}/{}", gateway::STAGE);
        // The saved state names the simulator's address, and so does env.json.
        let known = options.keep.is_some() || options.containers.is_some();
        let simulator_port = if known { options.port.saturating_add(1) } else { options.simulator.port };
        let fake = simulator::Settings {
            port: simulator_port,
            platform_secret: Some(PLATFORM_SECRET.to_owned()),
            webhook_url: Some(format!("{url}/webhooks/partner-hub")),
            meta_webhook_url: Some(format!("{url}/webhooks/meta")),
            meta_verify_token: VERIFY_TOKEN.to_owned(),
            ..options.simulator
        };
        let simulator = Simulator::start(fake.clone()).await?;
        let Settings { env, secrets } = Settings::new(&simulator, &fake, &options.variables);
        let clock = Clock::from_fn(move || (fake.clock)());

        if let Some(folder) = &options.keep {
            std::fs::create_dir_all(folder)?;
        }
        let (client, table, database) = if let Some(table) = options.table {
            table
        } else {
            let file = options.keep.as_deref().map(persistence::table);
            let (client, database) = dynamodb::open(file.as_deref()).await?;
            (client, dynamodb::TABLE.to_owned(), database)
        };
        let stream = Stream::new(&database, &table)?;
        let line = Line::new(&database, &table);
        let queue = MemoryQueue::new(clock.clone(), VISIBILITY, DELIVERIES);
        let store = Store::new(client.clone(), table.clone(), clock.clone());
        let twins = Twins::new(store, queue, &secrets, clock.clone())?;
        let http = exchange::client()?;
        let given = |function| {
            let ports = if let Some(ports) = &options.ports {
                ports(&twins, function)
            } else {
                let client = roles::of_function(&client, function);
                Ports { store: Store::new(client, table.clone(), clock.clone()), ..Ports::from(&twins) }
            };
            Dependencies::given(ports, http.clone(), clock.clone())
        };
        let functions = Arc::new(Functions::new(given, env.clone())?);
        let hub_config = HubConfig::read(&mut env.clone()).map_err(|_| "the Hub's settings are wrong");
        if let Some(folder) = &options.keep {
            persistence::load(folder, &simulator, &twins).await?;
        }

        let mut router = gateway::router(functions.clone()).merge(simulator.control_router());
        let mut background = JoinSet::new();
        if let Some(address) = options.containers {
            let dynamodb = embedded_dynamodb::serve(database.clone()).await?;
            router = router.merge(aws::router(dynamodb, twins.clone(), secrets)?);
            // Docker Desktop leads containers to 127.0.0.1 itself.
            for port in [options.port, simulator_port].into_iter().filter(|_| !address.is_loopback()) {
                let listener = TcpListener::bind((address, port)).await;
                let listener = listener.map_err(|error| format!("{address}, Docker's bridge: {error}"))?;
                background.spawn(containers::forward(listener));
            }
        }
        let (stop, stopped) = oneshot::channel();
        let gateway = tokio::spawn(serve(listener, router, stopped));
        if options.containers.is_some() {
            let hub = Dependencies::given(Ports::from(&twins), http, clock).hub_context(hub_config?);
            samples::put(&Client::new(&origin)?, &simulator, &hub, &twins, (&database, &table)).await?;
        }
        if !options.by_hand {
            for queue in QueueName::all() {
                // Several at once where one may wait for an endpoint that does not answer.
                let workers = if queue == QueueName::Deliveries { DELIVERIES_AT_ONCE } else { 1 };
                for _ in 0..workers {
                    background.spawn(workers::work(functions.clone(), twins.queue.clone(), queue, twins.clock.clone()));
                }
            }
            background.spawn(workers::wake(functions.clone(), stream.clone()));
            background.spawn(workers::minutes(functions.clone()));
            background.spawn(workers::schedule(functions.clone()));
        }
        Ok(Self {
            url,
            origin,
            simulator,
            twins,
            functions,
            stream,
            database,
            line,
            env,
            keep: options.keep,
            stop,
            gateway,
            background,
        })
    }

    /// Serves the table with DynamoDB's API, so that people can look into it. Returns the endpoint, on a free port of
    /// 127.0.0.1. The table is called `local`.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn serve_table(&self) -> std::io::Result<String> {
        embedded_dynamodb::serve(self.database.clone()).await
    }

    /// The functions once more, on other ports.
    ///
    /// # Errors
    /// If a setting is wrong.
    pub fn functions_on(&self, ports: Ports) -> Result<Functions, Error> {
        let dependencies = Dependencies::given(ports, exchange::client()?, self.twins.clock.clone());
        Functions::new(|_| dependencies.clone(), self.env.clone())
    }

    /// Works off what the stream and the queues hold now, and what that leads to at once. Returns how many records and messages
    /// that were. For stacks that are worked by hand.
    pub async fn work_off(&self) -> usize {
        let mut count = 0;
        loop {
            let done = self.wake().await + self.deliver().await;
            if done == 0 {
                return count;
            }
            count += done;
        }
    }

    /// Hands the dispatcher what the stream holds now. Returns how many records that were. For stacks that are worked by hand.
    pub async fn wake(&self) -> usize {
        let records = self.stream.records();
        for records in records.chunks(stream::BATCH) {
            if let Err(error) = self.functions.dispatcher.handle(stream::event(records), None).await {
                tracing::warn!(error, "dispatcher failed");
            }
        }
        records.len()
    }

    /// Hands the workers what the queues hold now. Returns how many messages that were. For stacks that are worked by hand.
    pub async fn deliver(&self) -> usize {
        let mut count = 0;
        for queue in QueueName::all() {
            let messages = self.twins.queue.receive(queue, usize::MAX);
            count += messages.len();
            for message in messages {
                self.invoke(queue, vec![message]).await;
            }
        }
        count
    }

    /// One look of the dispatcher's run of the minute. For stacks that are worked by hand.
    pub async fn look(&self) {
        if let Err(error) = self.functions.dispatcher.0.look().await {
            tracing::warn!(error, "dispatcher failed");
        }
    }

    /// When the dispatcher next finds something to do, if nothing else happens.
    ///
    /// # Errors
    /// The table's.
    pub async fn next_dispatch(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        let (store, now) = (&self.twins.store, self.twins.clock.now());
        let (limiter, limit) = (store.limiter().await?, self.functions.dispatcher.0.limit);
        let mut next = limiter.next_change(limit, milliseconds(now)).map(from_milliseconds);
        let serves = limiter.has_token(limit) && limiter.health(milliseconds(now)) == Health::Well;
        for class in [Class::Free, Class::Delivery].into_iter().chain(Class::WITH_PERMIT) {
            let Some(due_at) = self.first_due(class) else { continue };
            // Who is due already may wait for a token.
            let at = match due_at <= now {
                true if serves || !class.takes_permit() => now,
                true => next.unwrap_or(now),
                false => due_at,
            };
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        // Events that wait for the partner's webhook go on at its time.
        if let Some(due_at) = self.first_due(Class::Held) {
            let at = match store.endpoint().await?.state() {
                EndpointState::Well => Some(due_at.max(now)),
                EndpointState::Slow(at) | EndpointState::BackingOff(at) => Some(at.max(due_at)),
                EndpointState::Off => None,
            };
            next = at.into_iter().chain(next).min();
        }
        Ok(next)
    }

    /// When the first piece of work of a class is due.
    pub fn first_due(&self, class: Class) -> Option<OffsetDateTime> {
        self.line.first_due(class).map(from_milliseconds)
    }

    /// Invokes a worker with received messages. Those that it does not fail are deleted and returned.
    pub async fn invoke(&self, queue: impl Into<QueueName>, messages: Vec<Received>) -> Vec<Received> {
        workers::invoke(&self.functions, &self.twins.queue, queue.into(), messages).await
    }

    /// Stops everything, and saves the state if it is to be kept.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn stop(mut self) -> Result<(), Error> {
        let _ = self.stop.send(());
        let _ = self.gateway.await;
        self.background.shutdown().await;
        if let Some(folder) = &self.keep {
            persistence::save(folder, &self.simulator, &self.twins)?;
        }
        self.simulator.stop().await;
        Ok(())
    }
}

async fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            let _ = stopped.await;
        })
        .await
}
