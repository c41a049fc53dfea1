#![doc = include_str!("../README.md")]

mod address;
mod endpoint;
mod resolver;
mod signature;

pub use address::{InvalidWebhookUrl, WebhookUrl, is_public};
pub use endpoint::{Endpoint, TryFailed};
pub use resolver::PublicAddresses;
pub use signature::{InvalidSigningSecret, SigningSecret};
