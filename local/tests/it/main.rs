//! The whole bundle: real handlers over HTTP, the real SDK on an embedded DynamoDB, the simulator on the other side.
//!
//! Time stands still until a test moves it, and the queues are worked off by hand, so that nothing here sleeps. A folder is
//! an area; `support` is what they share.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod api;
mod data_subjects;
mod dispatcher;
mod documents;
mod events;
mod happy_path;
mod hub;
mod imports;
mod keys;
mod meta;
mod openapi;
mod orders;
mod ownership;
mod reconciliation;
mod secrecy;
mod support;
mod webhooks;
