//! What the functions share: the onboarding domain, the clients of the Hub and of Meta, the store and the steps.

pub mod aws;
pub mod clock;
pub mod config;
pub mod http;
pub mod hub;
pub mod onboarding;
pub mod outbound;
pub mod queue;
pub mod secrets;
pub mod telemetry;
pub mod vault;
pub mod worker;
