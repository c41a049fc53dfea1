//! What the schedule finds and repairs: lost webhooks and messages, dead letters, unknown channels; and what is no longer kept.

mod channel_sweep;
mod dead_letters;
mod overdue;
mod recovery;
mod retention;
