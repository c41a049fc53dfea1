//! API keys: how one is made and stored, and the client's permission to make it.

mod creation;
mod permission;
mod strangers;
