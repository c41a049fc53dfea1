//! What only the dispatcher does: its lease, its permits, its line, and what it tells of them.

mod alarms;
mod lease;
mod line;
mod support;
