//! What looks after the rest: channels whose webhook never came, client accounts that exist twice, signups that Meta has not
//! confirmed yet or that nobody claims, links that run out, channels that are to end, keys and records that are no longer kept,
//! and the dispatcher itself.

mod channel_check;
pub(crate) mod channel_end;
pub(crate) mod channel_import;
pub(crate) mod daily_sweep;
mod duplicate_client;
pub(crate) mod hub_probe;
pub(crate) mod hub_token;
mod key_deletion;
pub(crate) mod look_up;
mod overdue;
mod reconciliation;
mod retention;
mod unclaimed_signup;

pub use reconciliation::{Reconciled, Reconciliation, UpkeepContext};
