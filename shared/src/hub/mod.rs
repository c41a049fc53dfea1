//! x
pub mod limit;
