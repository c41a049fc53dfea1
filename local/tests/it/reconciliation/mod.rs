//! What the schedule finds and repairs: lost webhooks and messages, dead letters, unknown channels, duplicate client accounts; and
//! what is no longer kept.

mod channel_sweep;
mod dead_letters;
mod duplicate_clients;
mod overdue;
mod recovery;
mod retention;
