//! The client of Meta, over real HTTP against a server that answers with the samples.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests may panic and are called with literals"
)]

mod assets;
mod errors;
mod exchange;
mod graph;
mod secrecy_kept;
mod session;
mod token;
mod webhook;
