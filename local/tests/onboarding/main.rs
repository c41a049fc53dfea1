//! The whole bundle over HTTP: real handlers, the real SDK on an embedded DynamoDB, the simulator on the other side.
//!
//! Time stands still until a test moves it, and the queues are worked off by hand, so that nothing here sleeps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod answers;
mod bodies;
mod choice;
mod claims;
mod closed_tab;
mod codes;
mod fields;
mod happy;
mod hooks;
mod hub_burst;
mod hub_clients;
mod hub_faults;
mod hub_one_client;
mod hub_orders;
mod hub_outage;
mod hub_refusals;
mod hub_webhooks;
mod idempotency;
mod keys;
mod keys_permission;
mod listing;
mod meta_faults;
mod meta_webhooks;
mod openapi;
mod openapi_book;
mod openapi_document;
mod openapi_outage;
mod popup;
mod reconcile;
mod reconcile_dead_letters;
mod secrecy;
mod state;
mod strange_requests;
mod stranger;
mod sweep;
mod tokens;
mod webhook_deliveries;
mod webhook_flood;
mod webhook_signatures;
mod webhook_unmatched;
mod world;
