//! Every five minutes: links that run out, sign-ups that Meta has not confirmed yet, what Meta reports, records that
//! are no longer kept, whether the dispatcher is alive.

use std::time::Instant;

use runtime::Dependencies;
use runtime::settings::{Env, Incomplete, MetaConfig, RetentionConfig, WaitConfig, notify_unclaimed, solution_id};
use workflow::Reconciled;

/// The function's settings.
pub struct Settings {
    solution_id: String,
    notify_unclaimed: bool,
    meta: MetaConfig,
    waits: WaitConfig,
    retention: RetentionConfig,
}

/// The message of the line that is logged when a run fails. The template counts these lines, because to Lambda a handler that
/// returns an error may look like one that succeeded.
pub const FAILED: &str = "reconciliation failed";

/// Looks after what nobody else does.
#[derive(Clone)]
pub struct Reconciliation(workflow::Reconciliation);

impl Settings {
    /// Reads them.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let (solution_id, notify, meta) = (solution_id(env), notify_unclaimed(env), MetaConfig::read(env));
        let (waits, retention) = (WaitConfig::read(env), RetentionConfig::read(env));
        Ok(Self {
            solution_id: solution_id?,
            notify_unclaimed: notify?,
            meta: meta?,
            waits: waits?,
            retention: retention?,
        })
    }
}

impl Reconciliation {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: Settings) -> Self {
        Self(workflow::Reconciliation {
            context: dependencies.upkeep_context(settings.solution_id, settings.notify_unclaimed),
            confirmation: dependencies.confirmation(settings.meta),
            longest_waits: settings.waits.longest,
            retention: settings.retention.kept,
            keys_kept: settings.retention.keys,
        })
    }

    /// One run, which ends before `deadline`.
    ///
    /// # Errors
    /// A sentence, if the table is out of reach. What is due stays due.
    pub async fn handle(&self, deadline: Option<Instant>) -> Result<Reconciled, String> {
        self.0.run(deadline).await.inspect_err(|error| tracing::error!(%error, "{FAILED}"))
    }
}
