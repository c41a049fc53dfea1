//! What has to hold whatever a stranger sends, one module for each fuzz target.
//!
//! The fuzz targets call these checks with what libFuzzer makes up. The tests call them with the seeds, so that every change
//! is checked without a fuzzer.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a check that cannot go on has found something")]

pub mod hub_webhook;
pub mod json;
pub mod meta_webhook;
mod requests;
pub mod return_query;
pub mod session;
pub mod signatures;
pub mod start_body;
pub mod tokens;
