#![doc = include_str!("../README.md")]

#[cfg(feature = "aws-sdk")]
pub mod aws_sdk;
#[cfg(feature = "client")]
mod call;
#[cfg(feature = "client")]
mod client;
mod clock;
mod digest;
mod email;
mod id;
#[cfg(feature = "client")]
mod json;
#[cfg(feature = "client")]
mod read;
mod secret;
#[cfg(feature = "client")]
pub mod signature;
mod url;

#[cfg(feature = "client")]
pub use call::{Answer, Failure, below, send};
#[cfg(feature = "client")]
pub use client::{client, client_resolving_with};
pub use clock::Clock;
pub use digest::sha256_hex;
pub use email::folded_email;
pub use id::{BusinessId, ChannelId, ClientId, InvalidId, PhoneNumberId, WabaId};
#[cfg(feature = "client")]
pub use json::{json, json_text};
#[cfg(feature = "client")]
pub use read::{Lenient, List, Text, object, one_line};
pub use secret::{secret_eq, secret_hash_eq};
pub use url::{is_https_or_loopback, is_loopback};

/// For the types that [`id!`] makes.
#[doc(hidden)]
pub use serde;
