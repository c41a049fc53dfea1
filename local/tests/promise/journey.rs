//! One onboarding from start to key, in a world in which one thing goes wrong.

use serde_json::{Value, json};
use time::Duration;

use crate::outside::{Activity, Call, Fate, Plan};
use crate::world::{Times, World};

/// After this long everything that waits has been tried again many times.
const LONG_ENOUGH: Duration = Duration::hours(8);

/// What kind of journey it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// One number; everything is told by webhook.
    Smooth,
    /// No webhook ever comes.
    Silent,
    /// The customer chooses among several numbers.
    Choice,
    /// Direct Payment: the client grants permission after a while.
    Permission,
}

/// The trouble that befalls a call and, if it goes on, the calls like it that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blow {
    pub(crate) call: Call,
    pub(crate) fate: Fate,
    pub(crate) times: usize,
}

/// One case: a journey and what goes wrong, or is done more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) blow: Option<Blow>,
    pub(crate) repeated: Option<(Activity, Times)>,
}

/// What happened on the way.
pub(crate) struct Travelled {
    pub(crate) calls: Vec<Call>,
    pub(crate) troubles: usize,
}

impl Case {
    pub(crate) const fn undisturbed(scenario: Scenario) -> Self {
        Self { scenario, blow: None, repeated: None }
    }

    /// Goes through it. An error if the promise is not kept at the end.
    pub(crate) async fn travel(self) -> Result<Travelled, String> {
        let mut world = World::new(simulator::Settings::default()).await;
        world.repeated = self.repeated;
        world.order("faults", &self.lost_webhooks()).await;
        if self.scenario == Scenario::Permission {
            world.order("settings", &json!({"payment": "direct"})).await;
        }
        world.outside.follow(self.blow.map_or_else(|| Box::new(|_: &Call| Fate::Pass) as Plan, Blow::plan));

        let started = world.start("tenant-1").await?;
        let promise = world.promise(started).await;
        world.live(Duration::seconds(5)).await;
        let account = if self.scenario == Scenario::Choice { "several_numbers" } else { "one_number" };
        world.sign_up(&promise.started, account).await?;
        if self.scenario == Scenario::Permission {
            world.live(Duration::minutes(2)).await;
            let ledger = world.client.ledger().await.unwrap();
            let client_id = &ledger["clients"][0]["id"];
            world.order("permission", &json!({"client_id": client_id, "granted": true})).await;
        }
        world.finish(LONG_ENOUGH).await;
        let travelled = Travelled { calls: world.outside.calls(), troubles: world.outside.troubles() };
        world.kept(&[&promise]).await?;
        Ok(travelled)
    }

    /// The smooth journey is not told of every stage, which would only repeat the same calls.
    fn lost_webhooks(&self) -> Value {
        let lost = |event: &str| json!({"route": event, "lose": true, "times": 1_000_000});
        match self.scenario {
            Scenario::Silent => json!([lost("webhook")]),
            _ => json!([lost("webhook.channel_submitted"), lost("webhook.channel_ready")]),
        }
    }
}

impl Blow {
    fn plan(self) -> Plan {
        let mut left = self.times;
        Box::new(move |call| {
            let like = |call: &Call| (call.during, call.place, call.what.clone());
            if left == 0 || call.number < self.call.number || like(call) != like(&self.call) {
                return Fate::Pass;
            }
            left -= 1;
            self.fate
        })
    }
}
