//! The HTTP client against servers on this machine, and the reader of JSON.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod client;
mod json;
