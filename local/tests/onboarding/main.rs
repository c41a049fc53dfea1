//! The whole bundle over HTTP: real handlers, the real SDK on an embedded DynamoDB, the simulator on the other side.
//!
//! Time stands still until a test moves it, and the queues are worked off by hand, so that nothing here sleeps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod happy;
mod hub_burst;
mod hub_clients;
mod hub_faults;
mod hub_orders;
mod hub_outage;
mod hub_refusals;
mod hub_webhooks;
mod keys;
mod keys_permission;
mod reconcile;
mod reconcile_dead_letters;
mod world;
