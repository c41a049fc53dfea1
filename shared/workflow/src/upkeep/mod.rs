//! What looks after the rest: whatever did not move, channels whose webhook never came, signups that no page handed over.

mod channel_sweep;
mod lost_signup;
mod overdue;
mod reconciliation;

pub use reconciliation::{Reconciled, Reconciliation};
