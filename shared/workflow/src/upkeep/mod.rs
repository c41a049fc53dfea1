//! What looks after the rest: channels whose webhook never came, signups that no page handed over, links that run out, and
//! the dispatcher itself.

pub(crate) mod channel_sweep;
pub(crate) mod hub_probe;
pub(crate) mod hub_token;
pub(crate) mod look_up;
mod lost_signup;
mod overdue;
mod reconciliation;

pub use reconciliation::{Reconciled, Reconciliation, UpkeepContext};
