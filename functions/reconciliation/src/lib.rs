//! Every five minutes: moves again whatever is due and did not move.

use queue::Step;
use runtime::Dependencies;
use runtime::settings::{Env, HubConfig, Incomplete, MetaConfig, VaultConfig};
use workflow::Reconciled;

/// The steps to whose queues it sends. Its role in the template allows these.
pub const SENDS_TO: &[Step] = Step::ALL;

/// The function's settings.
pub struct Settings {
    hub: HubConfig,
    meta: MetaConfig,
    vault: VaultConfig,
}

/// The message of the line that is logged when a run fails. The template counts these lines, because to Lambda a handler that
/// returns an error may look like one that succeeded.
pub const FAILED: &str = "reconciliation failed";

/// Sends whatever is due to its queue again, and checks it against the Hub and Meta.
#[derive(Clone)]
pub struct Reconciliation(workflow::Reconciliation);

impl Settings {
    /// Reads them.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let (hub, meta, vault) = (HubConfig::read(env), MetaConfig::read(env), VaultConfig::read(env));
        Ok(Self { hub: hub?, meta: meta?, vault: vault? })
    }
}

impl Reconciliation {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: Settings) -> Self {
        Self(workflow::Reconciliation {
            context: dependencies.hub_context(settings.hub),
            proof: dependencies.signup_proof(settings.meta),
            vault: dependencies.vault(settings.vault),
        })
    }

    /// One run.
    ///
    /// # Errors
    /// A sentence, if the table or a queue is out of reach. What is due stays due.
    pub async fn handle(&self) -> Result<Reconciled, String> {
        self.0.run().await.inspect_err(|error| tracing::error!(%error, "{FAILED}"))
    }
}
