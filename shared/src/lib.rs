//! What the functions share: the onboarding domain, the clients of the Hub and of Meta, the store and the steps.

pub mod clock;
pub mod hub;
pub mod onboarding;
pub mod outbound;
