//! Tells the partner of events: on the event bus, and at the partner's webhook.

mod publisher;

pub use publisher::EventPublisher;
