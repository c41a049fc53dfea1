//! What the tests share: a fake AWS, a log that is read, a time of day that is set.

pub(crate) mod aws;
pub(crate) mod log;
pub(crate) mod time;
