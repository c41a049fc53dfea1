//! The simulator over real HTTP, as its users see it.

mod bench;
mod control;
mod hub;
mod keys;
mod meta;
mod sdk;
mod webhooks;
