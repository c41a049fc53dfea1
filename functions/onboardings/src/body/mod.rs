//! The bodies that the partner's server sends, checked: every wrong field is named.

mod client;
mod fields;
mod import;
mod link;
mod locale;
mod message_webhook;
mod metadata;
mod prefill;
mod retry;
mod start;
mod urls;

pub(crate) use fields::REFERENCE;
pub(crate) use import::{ImportBody, WantedImport};
pub(crate) use link::LinkBody;
pub(crate) use message_webhook::OwnWebhook;
pub(crate) use retry::RetryBody;
pub(crate) use start::{Start, StartBody};
