//! What the tests of all areas share.

mod at_meta;
pub(crate) mod bench;
pub(crate) mod event_check;
pub(crate) mod fakes;
pub(crate) mod log;
pub(crate) mod log_scan;
pub(crate) mod raw_table;
pub(crate) mod replies;
mod state;
pub(crate) mod webhooks;

pub(crate) use bench::TestBench;
