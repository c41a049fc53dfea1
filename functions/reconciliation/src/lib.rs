//! Every five minutes: moves again whatever is due and did not move.

use shared::steps;

/// The function.
#[derive(Clone)]
pub struct Reconciliation {
    /// What it works with.
    pub work: steps::Reconciliation,
}

impl Reconciliation {
    /// One run.
    ///
    /// # Errors
    /// A sentence, if the table or a queue is out of reach. What is due stays due.
    pub async fn handle(&self) -> Result<steps::Reconciled, String> {
        self.work.run().await
    }
}
