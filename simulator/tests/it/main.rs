//! The simulator over real HTTP, as its users see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not count as tests")]

mod cancellation;
mod control;
mod hub;
mod hub_person;
mod keys;
mod lists;
mod meta;
mod meta_webhooks;
mod proxies;
mod sdk;
mod support;
mod wabas;
mod webhooks;
