//! The fake Meta: accounts, popup, Graph API, `account_update` webhook.

mod account_update;
pub(crate) mod accounts;
mod graph;
mod oauth;
mod popup;

pub(crate) use account_update::send;
pub(crate) use graph::router;
pub(crate) use popup::{Outcome, play};
