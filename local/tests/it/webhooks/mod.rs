//! Webhooks of the Hub and of Meta: who may send them, what is kept of them, and what they lead to.

mod channel_events;
mod deliveries;
mod meta;
mod signatures;
mod unmatched;
