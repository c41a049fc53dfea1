//! What happens by itself as time goes by: channels go live, webhooks go out.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::hub::cancellation;
use crate::platforms::{App, Platforms};
use crate::state::{End, Progress, State};
use crate::webhooks::{self, Delivery};

/// How often the clock is looked at while something is still to happen. A set clock moves without telling anybody.
const TICK: Duration = Duration::from_millis(10);

/// Something that will happen at a time.
#[derive(Serialize, Deserialize)]
pub(crate) struct Effect {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    pub(crate) what: What,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// A channel gets on. `quiet`: its event is sent otherwise.
    Progress { channel_id: String, progress: Progress, quiet: bool },
    /// A requested cancellation is processed, unless it was revoked before.
    Cancel { channel_id: String },
    /// A webhook is sent.
    Deliver(Box<Delivery>),
}

/// Runs what is due, on real time, for as long as it is polled.
pub(crate) async fn run(app: App) {
    loop {
        if app.state().effects.is_empty() {
            app.wake.notified().await;
        } else {
            start_due(&app).await;
            tokio::time::sleep(TICK).await;
        }
    }
}

/// Runs everything that is due now and waits until it has happened, including what it caused if that is due too.
pub(crate) async fn run_due(app: &App) {
    loop {
        start_due(app).await;
        drop(app.running.write().await);
        let now = app.now();
        if !app.state().effects.iter().any(|effect| effect.at <= now) {
            return;
        }
    }
}

async fn start_due(app: &App) {
    let running = Arc::new(Arc::clone(&app.running).read_owned().await);
    let now = app.now();
    let mut state = app.state();
    let mut due: Vec<Effect> = Vec::new();
    for effect in std::mem::take(&mut state.effects) {
        if effect.at <= now { due.push(effect) } else { state.effects.push(effect) }
    }
    due.sort_by_key(|effect| effect.at);
    for effect in due {
        match effect.what {
            What::Progress { channel_id, progress, quiet } => reach(app, &mut state, &channel_id, progress, quiet),
            What::Cancel { channel_id } => {
                let at = Some(effect.at);
                if state.channel(&channel_id).is_some_and(|channel| channel.is_open() && channel.terminated_at == at) {
                    cancellation::process(app, &mut state, &channel_id, End::Terminated);
                }
            }
            What::Deliver(delivery) => {
                let (app, running) = (Arc::clone(app), Arc::clone(&running));
                tokio::spawn(async move {
                    webhooks::deliver(&app, *delivery).await;
                    drop(running);
                });
            }
        }
    }
}

fn reach(platforms: &Platforms, state: &mut State, channel_id: &str, progress: Progress, quiet: bool) {
    let channel = state.channels.iter_mut().find(|channel| channel.id == channel_id && channel.is_open());
    let Some(channel) = channel else { return };
    channel.reach(progress, platforms.now());
    if !quiet {
        let channel = channel.clone();
        webhooks::emit_channel(platforms, state, progress.event(), &channel, progress);
    }
}

impl Platforms {
    /// Lets something happen at a time.
    pub(crate) fn schedule(&self, state: &mut State, at: OffsetDateTime, what: What) {
        state.effects.push(Effect { at, what });
        self.wake.notify_one();
    }
}
