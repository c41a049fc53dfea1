//! Client accounts and numbers at the Partner Hub: its limit, its faults, its outages and its refusals.

mod burst;
mod calls;
mod client_accounts;
mod faults;
mod look_ups;
mod outage;
mod refusals;
mod shared_client_account;
mod token;
