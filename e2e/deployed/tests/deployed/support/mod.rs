//! The deployed stack that all steps work on.

pub(crate) mod receiver;
pub(crate) mod stack;
