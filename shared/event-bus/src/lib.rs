#![doc = include_str!("../README.md")]

#[cfg(feature = "aws")]
mod event_bridge;
#[cfg(feature = "memory")]
mod memory;

use async_trait::async_trait;
use time::OffsetDateTime;

#[cfg(feature = "aws")]
pub use event_bridge::EventBridge;
#[cfg(feature = "memory")]
pub use memory::MemoryBus;

/// What rules know our events by.
pub const SOURCE: &str = "whatsapp-onboarding";

/// An event as the bus takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    /// Its type.
    pub detail_type: String,
    /// The event, as JSON.
    pub detail: String,
    /// When it happened.
    pub at: OffsetDateTime,
}

/// The bus did not take an event. Trying again later helps. Holds why, in a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event bus did not take it: {0}")]
pub struct BusError(pub String);

/// Takes events, at least once each.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Puts an event on the bus.
    async fn put(&self, event: &BusEvent) -> Result<(), BusError>;
}
