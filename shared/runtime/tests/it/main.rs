//! Settings, logs, the API's HTTP, batches, and the ports on AWS and in memory, against servers on this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod api;
mod ports;
mod secrecy;
mod settings;
mod support;
mod telemetry;
mod worker;
