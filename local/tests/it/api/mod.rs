//! The partner's and the page's API: bodies, fields, tokens, lists, and what a request without a token can cost.

mod bodies;
mod fields;
mod flood;
mod idempotency;
mod listing;
mod strange_requests;
mod tokens;
mod unauthenticated;
