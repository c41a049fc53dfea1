//! The client of the Hub and of the messaging API against a real HTTP server, and the reading of the Hub's webhooks,
//! with the payloads in `shared/samples`.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod answers;
mod calls;
mod messaging;
mod properties;
mod server;
mod signature;
mod token;
mod webhook;
