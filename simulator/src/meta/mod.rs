//! The fake Meta: accounts, popup, Graph API, webhooks.

pub(crate) mod accounts;
mod changes;
mod graph;
mod numeric_ids;
mod oauth;
mod popup;
mod webhook;

pub(crate) use graph::router;
pub(crate) use popup::{Outcome, play};
pub(crate) use webhook::{AccountUpdate, Order, send};
