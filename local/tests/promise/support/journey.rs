//! One onboarding from start to key, in which one thing goes wrong.

use local::client::{Started, start_body};
use onboarding::{EventId, PopupAttempt, Status};
use serde_json::{Value, json};
use simulator::Reply;
use time::Duration;

use crate::support::disturbance::Disturbance;
use crate::support::fault_injection::{Activity, Call, Outcome, Plan};
use crate::support::promise::Promise;
use crate::support::test_bench::{START, TestBench, Times};

/// After this long everything that waits has been tried again many times.
const LONG_ENOUGH: Duration = Duration::hours(8);
/// So many tries are refused that the webhook backs off, and does so for longer after one more.
const REFUSED: usize = 4;

/// What kind of journey it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scenario {
    /// One number; everything is told by webhook.
    Smooth,
    /// No webhook ever comes.
    Silent,
    /// No webhook ever comes, and the channel goes live when the newest channels are rarely looked at: that day's sweep of
    /// all channels comes first.
    Swept,
    /// The customer chooses among several numbers.
    Choice,
    /// Direct Payment: the client grants permission after a while.
    Permission,
    /// The customer finishes at Meta, and the page hands nothing over. Meta reports it, and the customer comes again.
    ClosedTab,
    /// The same, but the customer does not come again: the partner says whose signup it is.
    Claimed,
    /// The Hub refuses the client account, and the operator names another.
    ClientRefused,
    /// The Hub refuses the number, and the operator has it tried again.
    NumberRefused,
    /// The partner's webhook refuses what it is told at first.
    PartnerDown,
    /// The partner asks for all events once more.
    Replayed,
    /// The partner wants a new key.
    Rotated,
    /// The partner wants the channel to end, and soon after that it stays.
    Kept,
    /// The partner wants the channel to end, and 360dialog ends it. The key is deleted a month later.
    Left,
    /// The same, and what is personal is erased once the channel has ended.
    Erased,
    /// The partner imports a channel that was there before.
    Imported,
    /// The partner calls the onboarding off when its number is submitted, and 360dialog ends the channel.
    CalledOff,
}

/// A fault that is injected into a call and, if it is to happen several times, into the calls like it that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InjectedFault {
    pub(crate) call: Call,
    pub(crate) outcome: Outcome,
    pub(crate) times: usize,
}

/// One case: a journey and what goes wrong, or is done more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) fault: Option<InjectedFault>,
    pub(crate) repeated: Option<(Activity, Times)>,
    pub(crate) disturbance: Option<Disturbance>,
}

/// What happened on the way.
pub(crate) struct Travelled {
    /// Those that the journey is about.
    pub(crate) calls: Vec<Call>,
    pub(crate) faults: usize,
}

impl Case {
    pub(crate) const fn undisturbed(scenario: Scenario) -> Self {
        Self { scenario, fault: None, repeated: None, disturbance: None }
    }

    /// Goes through it. An error if the promise is not kept at the end.
    pub(crate) async fn travel(self) -> Result<Travelled, String> {
        let mut bench = TestBench::new(simulator::Settings::default()).await;
        bench.repeated = self.repeated;
        bench.disturbances.choose(self.disturbance);
        bench.order("faults", &self.scenario.faults()).await;
        bench.order("settings", &self.scenario.settings()).await;
        if self.scenario == Scenario::PartnerDown {
            bench.receiver.reply(vec![Reply::Status(500); REFUSED]);
        }
        let plan = self.fault.map_or_else(|| Box::new(|_: &Call| Outcome::Pass) as Plan, InjectedFault::plan);
        bench.injection.follow(plan);

        let promise = if self.scenario == Scenario::Imported {
            bench.import().await?
        } else {
            let started = bench.start("tenant-1").await?;
            Promise { ends: self.scenario.end(), ..bench.promise(started).await }
        };
        bench.live(Duration::seconds(5)).await;
        let first = self.scenario.play(&bench, &promise.started).await?;
        bench.finish(self.scenario.long_enough()).await;
        if bench.onboarding(&promise.started).await.attempts.iter().any(taken) {
            // The customer sees it, and tries again.
            bench.sign_up(&promise.started, "one_number").await?;
            bench.finish(LONG_ENOUGH).await;
        }
        let mut calls = bench.injection.calls();
        let travelled = Travelled { calls: calls.split_off(first), faults: bench.injection.fault_count() };
        bench.kept(&[&promise]).await?;
        Ok(travelled)
    }
}

impl Scenario {
    /// What partner and customer do once the onboarding is started. Returns the first call that the journey is about.
    async fn play(self, bench: &TestBench, started: &Started) -> Result<usize, String> {
        match self {
            Self::Choice => bench.sign_up(started, "several_numbers").await?,
            Self::ClosedTab => {
                bench.close_tab(started, "one_number", &["PARTNER_ADDED"]).await?;
                Box::pin(bench.sign_up(started, "one_number")).await?;
            }
            Self::Claimed => {
                bench.close_tab(started, "one_number", &["PARTNER_ADDED"]).await?;
                if !bench.claim(started, "one_number").await? {
                    return Err("the popup names no number to claim".to_owned());
                }
            }
            Self::Imported => {}
            _ => bench.sign_up(started, "one_number").await?,
        }
        match self {
            Self::Permission => {
                bench.live(Duration::minutes(2)).await;
                let ledger = bench.client.ledger().await.unwrap();
                let client_id = &ledger["clients"][0]["id"];
                bench.order("permission", &json!({"client_id": client_id, "granted": true})).await;
            }
            Self::ClientRefused => {
                let client = start_body("tenant-1-corrected")["client"].clone();
                refused(bench, started, &json!({"client": client})).await?;
            }
            Self::NumberRefused => refused(bench, started, &json!({})).await?,
            Self::Swept => return swept(bench, started).await,
            Self::Replayed => {
                bench.finish(LONG_ENOUGH).await;
                // This one is so new that the feed does not show it yet.
                bench.ask_for_tests(1).await;
                bench.live(Duration::SECOND).await;
                let first = bench.injection.calls().len();
                bench.replay(EventId::lowest(START)).await?;
                return Ok(first);
            }
            Self::Rotated => return ready_then(bench, started, &["rotate-key"]).await,
            Self::Kept => return ready_then(bench, started, &["disconnect", "reconnect"]).await,
            Self::Left => return ready_then(bench, started, &["disconnect"]).await,
            Self::Erased => {
                ready_then(bench, started, &["disconnect"]).await?;
                bench.live(Duration::hours(4)).await;
                let first = bench.injection.calls().len();
                bench.erase(started).await?;
                return Ok(first);
            }
            Self::CalledOff => {
                bench.live(Duration::minutes(5)).await;
                let first = bench.injection.calls().len();
                wanted(bench, started, "cancel").await?;
                return Ok(first);
            }
            Self::Smooth
            | Self::Silent
            | Self::Choice
            | Self::ClosedTab
            | Self::Claimed
            | Self::PartnerDown
            | Self::Imported => {}
        }
        Ok(0)
    }

    /// How it ends.
    fn end(self) -> Status {
        match self {
            Self::Left | Self::Erased => Status::Disconnected,
            Self::CalledOff => Status::Cancelled,
            _ => Status::Ready,
        }
    }

    fn long_enough(self) -> Duration {
        // Keys are deleted after 30 days.
        if matches!(self, Self::Left | Self::Erased) { Duration::days(40) } else { LONG_ENOUGH }
    }

    /// The smooth journey is not told of every stage, which would only repeat the same calls.
    fn faults(self) -> Value {
        let lost = |event: &str| json!({"route": event, "lose": true, "times": 1_000_000});
        let mut faults = match self {
            Self::Silent | Self::Swept => vec![lost("webhook")],
            _ => vec![lost("webhook.channel_submitted"), lost("webhook.channel_ready")],
        };
        match self {
            Self::ClientRefused => faults.push(json!({"route": "create_client", "status": 400, "times": 2})),
            Self::NumberRefused => faults.push(json!({"route": "numbers", "status": 400, "times": 2})),
            _ => {}
        }
        json!(faults)
    }

    fn settings(self) -> Value {
        match self {
            Self::Permission => json!({"payment": "direct"}),
            // It runs after four fifths of that: between the look-up after 22 hours and the sweep after 24:05.
            Self::Swept => json!({"live_after_ms": 29 * 3_600_000}),
            Self::Left | Self::Erased => json!({"cancelled_after_ms": 3_600_000}),
            Self::CalledOff => json!({"live_after_ms": 24 * 3_600_000, "cancelled_after_ms": 3_600_000}),
            _ => json!({}),
        }
    }
}

/// The partner wants these, a few minutes apart, of an onboarding that is ready. Returns the first call from there on.
async fn ready_then(bench: &TestBench, started: &Started, orders: &[&str]) -> Result<usize, String> {
    bench.finish(LONG_ENOUGH).await;
    let first = bench.injection.calls().len();
    for order in orders {
        wanted(bench, started, order).await?;
        bench.live(Duration::minutes(2)).await;
    }
    Ok(first)
}

async fn wanted(bench: &TestBench, started: &Started, order: &str) -> Result<(), String> {
    if bench.want(started, order).await? {
        return Ok(());
    }
    let status = bench.onboarding(started).await.status;
    Err(format!("{order} does not fit {status:?}"))
}

/// The Hub refuses something, and the operator asks for another try.
async fn refused(bench: &TestBench, started: &Started, body: &Value) -> Result<(), String> {
    // The first refusal may be an accident of a moment.
    bench.live(Duration::minutes(8)).await;
    let status = bench.onboarding(started).await.status;
    if status != Status::Failed {
        return Err(format!("{status:?} and not refused"));
    }
    bench.retry(started, body).await
}

/// The first sweep begins a day after the first run of reconciliation. What is interrupted goes on soon after.
async fn swept(bench: &TestBench, started: &Started) -> Result<usize, String> {
    bench.live(Duration::hours(24)).await;
    let status = bench.onboarding(started).await.status;
    if status != Status::Submitted {
        return Err(format!("{status:?} before the sweep"));
    }
    let first = bench.injection.calls().len();
    // So short that no run is left out.
    for _ in 0..8 {
        bench.live(Duration::minutes(5)).await;
    }
    if bench.injection.fault_count() == 0 && bench.onboarding(started).await.status == Status::Submitted {
        return Err("the sweep has not found the channel".to_owned());
    }
    Ok(first)
}

/// Whether it was said that the number is another customer's. It is not, but a lost condition says so.
fn taken(attempt: &PopupAttempt) -> bool {
    attempt.error_code.as_deref() == Some("number_taken")
}

impl InjectedFault {
    fn plan(self) -> Plan {
        let mut left = self.times;
        Box::new(move |call| {
            let like = |call: &Call| (call.during, call.place, call.what.clone());
            if left == 0 || call.number < self.call.number || like(call) != like(&self.call) {
                return Outcome::Pass;
            }
            left -= 1;
            self.outcome
        })
    }
}
