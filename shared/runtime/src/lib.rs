#![doc = include_str!("../README.md")]

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "dependencies")]
mod dependencies;
pub mod settings;
#[cfg(feature = "aws")]
mod start;
#[cfg(feature = "dependencies")]
pub mod worker;

#[cfg(feature = "dependencies")]
pub use dependencies::{Dependencies, Ports};
#[cfg(feature = "aws")]
pub use start::{start_edge, start_without_secret, start_worker};

/// Why a function does not start. Lambda logs it.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;
